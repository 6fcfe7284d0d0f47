// A parser under attack: what every *_target.cpp of this folder defines. Two programs are made of
// each: one that mutates the samples in a fixed order, which is a test, and, with TUCO_FUZZ, one
// for libFuzzer.
#pragma once
#include <vector>

#include "tuco/core/file.h"

namespace tuco::fuzz {

/// Small valid files to start from.
std::vector<Bytes> samples();

/// Hands the bytes to the parser. A tuco::Error is the right answer to bytes that are wrong; any
/// other exception, crash or sanitizer's report is a bug.
void parse(const Bytes& bytes);

}  // namespace tuco::fuzz
