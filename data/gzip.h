// Gzip, in which data sets often come: a File whose bytes were inflated reads like any other.
#pragma once
#include <filesystem>
#include <string>

#include "tuco/core/file.h"

namespace tuco::data {

/// Whether the bytes start with the gzip signature.
bool is_gzip(std::span<const uint8_t> bytes);

/// Inflates a gzip stream (several members follow each other as in gzip itself). Throws FormatError
/// naming `name` if it is damaged, ends early, or gives more than `limit` bytes.
Bytes gunzip(std::span<const uint8_t> bytes, const std::string& name,
             uint64_t limit = uint64_t{1} << 34);

/// Opens a plain file; one that starts with the gzip signature is inflated into memory. Throws
/// IoError if it cannot be opened, FormatError if its gzip stream is damaged.
File open_file(const std::filesystem::path& path);

}  // namespace tuco::data
