#include "tuco/data/image_folder.h"

#include <cctype>
#include <cstdio>
#include <optional>
#include <set>

#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/data/gzip.h"
#include "tuco/data/image_cache.h"
#include "tuco/data/tar.h"

namespace tuco::data {
namespace {

namespace fs = std::filesystem;

/// The largest height or width of an input.
constexpr int64_t kMaxSide = 1 << 14;

/// An image file that can be read when it is wanted.
struct ImageFile {
  /// Below the root: "cat/0001.jpg".
  std::string name;
  /// Its place in an archive.
  uint64_t offset = 0, size = 0;
  int64_t label = 0;
};

bool is_image_name(const std::string& name) {
  std::string extension = fs::path(name).extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  // macOS puts files named "._photo.jpg" beside photos, which are none.
  return (extension == ".jpg" || extension == ".jpeg" || extension == ".png") &&
         !fs::path(name).filename().string().starts_with("._");
}

bool is_folder(const fs::path& path) {
  std::error_code unreadable;
  return fs::is_directory(path, unreadable);
}

/// The files of one data set, in a folder or in an archive.
class Files {
 public:
  explicit Files(const fs::path& path) : root_(path) {
    if (is_folder(path))
      list_folder();
    else
      list_archive();
    classify();
  }

  const std::vector<ImageFile>& all() const { return files_; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  const fs::path& root() const { return root_; }
  void keep(std::vector<ImageFile> files) { files_ = std::move(files); }

  std::string full_name(const ImageFile& file) const { return (root_ / file.name).string(); }
  Image decode(const ImageFile& file, int min_side) const {
    const Bytes bytes =
        archive_ ? archive_->read(file.offset, file.size) : File::open(full_name(file)).read_all();
    return decode_image(bytes, full_name(file), min_side);
  }

 private:
  void list_folder() {
    const auto options = fs::directory_options::follow_directory_symlink;
    std::error_code error;
    fs::recursive_directory_iterator at(root_, options, error), end;
    while (!error && at != end) {
      // Whether it is an image is asked of files only: folders may be named anything.
      if (at->is_regular_file(error) && is_image_name(at->path().string()))
        files_.push_back({at->path().lexically_relative(root_).generic_string()});
      if (at.depth() > kMaxDepth) at.disable_recursion_pending();
      if (!error) at.increment(error);
    }
    require<IoError>(!error, "{}: cannot list: {}", root_.string(), error.message());
  }

  void list_archive() {
    // The archive is the part of the path that is a file; what follows leads into it.
    fs::path archive = root_, inner;
    std::error_code unreadable;
    while (!fs::is_regular_file(archive, unreadable)) {
      inner = archive.filename() / inner;
      const fs::path parent = archive.parent_path();
      require<IoError>(!parent.empty() && parent != archive && !is_folder(parent),
                       "{}: no such folder or archive", root_.string());
      archive = parent;
    }
    archive_ = open_file(archive);
    std::string prefix = inner.lexically_normal().generic_string();
    if (prefix == ".") prefix.clear();
    if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
    const auto entries = list_tar(*archive_);
    const auto take = [&](const std::string& start) {
      for (const auto& entry : entries)
        if (entry.name.starts_with(start) && is_image_name(entry.name))
          files_.push_back({entry.name.substr(start.size()), entry.offset, entry.size});
    };
    take(prefix);
    if (!files_.empty() || entries.empty()) return;
    // Archives often hold one folder with everything in it, which need not be named.
    const std::string top = entries[0].name.substr(0, entries[0].name.find('/') + 1);
    if (!std::ranges::all_of(entries, [&](const auto& e) { return e.name.starts_with(top); }))
      return;
    take(top + prefix);
    root_ = archive / top / inner;
  }

  /// Keeps the files that lie directly in a folder of the root, which is their class.
  void classify() {
    std::set<std::string> names, elsewhere;
    std::vector<ImageFile> kept;
    for (auto& file : files_) {
      const size_t slash = file.name.find('/');
      if (slash == std::string::npos || file.name.find('/', slash + 1) != std::string::npos) {
        elsewhere.insert(fs::path(file.name).parent_path().parent_path().generic_string());
        continue;
      }
      names.insert(file.name.substr(0, slash));
      kept.push_back(std::move(file));
    }
    std::string hint;
    for (const auto& folder : elsewhere)
      if (!folder.empty()) hint += (hint.empty() ? "; there are some in " : ", ") + folder;
    require<FormatError>(!kept.empty(), "{}: no images in class folders (such as cat/1.jpg){}",
                         root_.string(), hint);
    class_names_.assign(names.begin(), names.end());
    for (auto& file : kept) {
      const auto name = file.name.substr(0, file.name.find('/'));
      file.label = std::distance(names.begin(), names.find(name));
    }
    std::sort(kept.begin(), kept.end(),
              [](const ImageFile& a, const ImageFile& b) { return a.name < b.name; });
    files_ = std::move(kept);
  }

  /// Enough for any data set, and an end to links that lead back.
  static constexpr int kMaxDepth = 16;

  fs::path root_;
  std::optional<File> archive_;
  std::vector<ImageFile> files_;
  std::vector<std::string> class_names_;
};

class FolderSource : public PictureSource {
 public:
  FolderSource(Files files, Preprocessing preprocessing, const ImageFolderOptions& options)
      : PictureSource(std::move(preprocessing), options.augment),
        files_(std::move(files)),
        cache_(size(), options.cache_bytes) {}

  int64_t size() const override { return static_cast<int64_t>(files_.all().size()); }
  int64_t label(int64_t index) const override { return file(index).label; }
  std::shared_ptr<const Image> image(int64_t index) const override {
    return cache_.get(index,
                      [&] { return files_.decode(file(index), decode_side(preprocessing_)); });
  }

 private:
  const ImageFile& file(int64_t index) const { return files_.all()[static_cast<size_t>(index)]; }

  Files files_;
  mutable ImageCache cache_;
};

/// Leaves out the files that cannot be decoded, and says which.
void skip_corrupt(Files& files, const Preprocessing& preprocessing) {
  const auto& all = files.all();
  std::vector<std::string> causes(all.size());
  parallel_for(0, static_cast<int64_t>(all.size()), 16, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) try {
        files.decode(all[i], decode_side(preprocessing));
      } catch (const Error& error) {
        causes[i] = error.what();
      }
  });
  std::vector<ImageFile> good;
  for (size_t i = 0; i < all.size(); ++i) {
    if (causes[i].empty())
      good.push_back(all[i]);
    else
      std::fputs(fmt::format("skipped {}\n", causes[i]).c_str(), stderr);
  }
  require<FormatError>(!good.empty(), "{}: none of its {} images can be decoded",
                       files.root().string(), all.size());
  files.keep(std::move(good));
}

std::shared_ptr<const Source> open_folder(const std::filesystem::path& path,
                                          const ImageFolderOptions& options) {
  const auto [height, width] = std::pair(options.size.h, options.size.w);
  const bool sane = height > 0 && width > 0 && std::max(height, width) <= kMaxSide;
  require<ShapeError>(sane && (options.channels == 1 || options.channels == 3),
                      "ImageFolder: size {} x {} with {} channels, expected 1 to {} and 1 or 3",
                      height, width, options.channels, kMaxSide);
  Files files(path);
  Preprocessing preprocessing;
  preprocessing.height = static_cast<int>(height);
  preprocessing.width = static_cast<int>(width);
  preprocessing.channels = options.channels;
  preprocessing.resize = options.resize;
  preprocessing.class_names = files.class_names();
  if (options.on_corrupt == OnCorrupt::skip) skip_corrupt(files, preprocessing);
  return std::make_shared<FolderSource>(std::move(files), std::move(preprocessing), options);
}

}  // namespace

ImageFolder::ImageFolder(const std::filesystem::path& path, ImageFolderOptions options)
    : Dataset(open_folder(path, options)) {}

}  // namespace tuco::data
