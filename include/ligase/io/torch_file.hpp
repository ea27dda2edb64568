#pragma once

#include <ligase/io/pickle.hpp>
#include <ligase/io/state_dict.hpp>
#include <ligase/io/zip.hpp>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Turns the pickle and the storages of a torch archive into views.
class TorchReader {
 public:
  TorchReader(std::span<const std::byte> file, const std::string& where)
      : file_(file), where_(where), entries_(read_stored_zip(file, where)) {}

  [[gnu::cold]] std::vector<TensorView> read() {
    find_root();
    const ZipEntry& pickle = *find_entry(entries_, root_ + "data.pkl");
    pickle_ = PickleReader(pickle.bytes, where_, budget()).read();
    PickleId dict = pickle_.root;
    if (pickle_.is(dict, PickleKind::dict))
      pickle_.each_field(pickle_.root, [&](std::string_view key, PickleId value) {
        if (key == "state_dict") dict = value;
      });
    if (!pickle_.is(dict, PickleKind::dict))
      refuse("the file holds no state dict", "a dict of tensors, or one under the key \"state_dict\"",
             pickle_.describe(dict));

    std::vector<Field> fields;
    pickle_.each_field(dict, [&](std::string_view key, PickleId value) {
      fields.push_back({key, value});
      constexpr std::size_t each = 3 * sizeof(Field) + sizeof(TensorView) + 96;
      if (fields.size() * each > budget()) refuse("the file names more tensors than a checkpoint has");
    });
    fields = sorted_by_name(std::move(fields),
                            [&](std::string_view name) { refuse("a tensor name stands twice", {}, quoted(name)); });
    std::vector<TensorView> tensors;
    tensors.reserve(fields.size());
    for (const Field& f : fields) tensors.push_back(tensor(f.name, f.value));
    return tensors;
  }

 private:
  struct Field {
    std::string_view name;
    PickleId value;
  };

  [[noreturn, gnu::cold]] void refuse(std::string what, std::string expected = {}, std::string found = {}) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = where_,
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }
  static std::string quoted(std::string_view name) {
    return "\"" + std::string(name.substr(0, 120)) + (name.size() > 120 ? "...\"" : "\"");
  }
  /// Memory for values, and again for views: with both, less than twice the file and 64 MB.
  std::size_t budget() const { return (std::size_t{28} << 20) + file_.size() / 2; }

  /// The archive's one folder, which torch names after the file.
  [[gnu::cold]] void find_root() {
    constexpr std::string_view pickle = "data.pkl";
    std::size_t found = 0;
    for (const ZipEntry& e : entries_) {
      const std::size_t slash = e.name.find('/');
      if (slash == std::string_view::npos || e.name.substr(slash + 1) != pickle) continue;
      root_ = std::string(e.name.substr(0, slash + 1));
      ++found;
    }
    if (found != 1)
      refuse("the zip archive is no file of torch.save", "one entry NAME/data.pkl", std::to_string(found) + " of them");
    if (find_entry(entries_, root_ + "constants.pkl") != nullptr)
      refuse("the file is a TorchScript archive", "a state dict, as torch.save(model.state_dict(), file) writes it");
    if (const ZipEntry* order = find_entry(entries_, root_ + "byteorder")) {
      const std::string_view text(reinterpret_cast<const char*>(order->bytes.data()), order->bytes.size());
      if (text != "little") refuse("the file's numbers are not little-endian", "byteorder \"little\"", quoted(text));
    }
  }

  [[gnu::cold]] TensorView tensor(std::string_view name, PickleId id) const {
    const auto wrong = [&](std::string what, std::string expected, std::string found) {
      refuse("tensor " + quoted(name) + ": " + what, std::move(expected), std::move(found));
    };
    const PickleValue& v = pickle_[id];
    if (v.kind != PickleKind::tensor)
      wrong("it is no tensor", "a call of torch._utils._rebuild_tensor_v2", pickle_.describe(id));
    const auto arguments = static_cast<PickleId>(v.data);
    const bool typed = v.global() == PickleGlobal::rebuild_typed;
    const auto argument = [&](std::uint32_t i) { return pickle_.item(arguments, i); };
    if (pickle_[arguments].count < (typed ? 7 : 4) || !pickle_.is(argument(0), PickleKind::storage) ||
        !pickle_.is(argument(1), PickleKind::integer) || !pickle_.is(argument(2), PickleKind::tuple) ||
        !pickle_.is(argument(3), PickleKind::tuple) || pickle_[argument(2)].count != pickle_[argument(3)].count)
      wrong("it is not described as torch does", "(storage, offset, sizes, strides, ...)", "other arguments");

    TensorView view{std::string(name), DType::F32, {}, {}};
    Index elements = 0;
    const std::span<const std::byte> bytes = storage(argument(0), name, view.dtype, elements);
    if (typed) {
      const PickleValue& dtype = pickle_[argument(6)];
      if (dtype.kind != PickleKind::global || dtype.global() != PickleGlobal::dtype)
        wrong("unknown element type", "a type of torch", pickle_.describe(argument(6)));
      view.dtype = dtype.dtype();
      elements = static_cast<Index>(bytes.size()) / dtype_bytes(view.dtype);
    }

    const std::uint32_t rank = pickle_[argument(2)].count;
    std::vector<Index> strides;
    bool contiguous = true;
    Index last = pickle_.integer(argument(1));
    try {
      for (std::uint32_t i = 0; i < rank; ++i) {
        const PickleId size = pickle_.item(argument(2), i), stride = pickle_.item(argument(3), i);
        if (!pickle_.is(size, PickleKind::integer) || !pickle_.is(stride, PickleKind::integer))
          wrong("a size or stride is no integer", {}, {});
        view.shape.push_back(pickle_.integer(size));
        strides.push_back(pickle_.integer(stride));
      }
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::shape) throw;
      wrong("impossible shape (" + e.fields().what + ")", e.fields().expected, e.fields().found);
    }
    const Index count = view.shape.count();
    const Index offset = pickle_.integer(argument(1));
    Index dense = 1;
    bool inside = offset >= 0 && count <= elements;
    for (int i = view.shape.rank() - 1; i >= 0 && count > 0 && inside; --i) {
      const Index stride = strides[static_cast<std::size_t>(i)], steps = view.shape[i] - 1;
      Index reach = 0;
      inside =
          stride >= 0 && !__builtin_mul_overflow(steps, stride, &reach) && !__builtin_add_overflow(last, reach, &last);
      contiguous = contiguous && (steps == 0 || stride == dense);
      dense *= view.shape[i];
    }
    if (!inside || (count > 0 && last >= elements))
      wrong("it leaves its storage", "at most " + std::to_string(elements) + " elements",
            "shape " + view.shape.text() + " from element " + std::to_string(offset));
    if (count == 0) return view;
    const auto size = static_cast<std::size_t>(dtype_bytes(view.dtype));
    view.bytes =
        bytes.subspan(static_cast<std::size_t>(offset) * size, static_cast<std::size_t>(last - offset + 1) * size);
    if (!contiguous) view.strides = std::move(strides);
    return view;
  }

  /// ('storage', type, key, location, number of elements): the bytes of data/KEY.
  [[gnu::cold]] std::span<const std::byte> storage(PickleId id, std::string_view name, DType& dtype,
                                                   Index& elements) const {
    const auto wrong = [&](const char* what, std::string expected, std::string found) {
      refuse("tensor " + quoted(name) + ": " + what, std::move(expected), std::move(found));
    };
    const auto tuple = static_cast<PickleId>(pickle_[id].data);
    const auto part = [&](std::uint32_t i) { return pickle_.item(tuple, i); };
    if (!pickle_.is(tuple, PickleKind::tuple) || pickle_[tuple].count < 5 || !pickle_.is(part(0), PickleKind::text) ||
        pickle_.text_of(part(0)) != "storage" || !pickle_.is(part(1), PickleKind::global) ||
        !pickle_.is(part(2), PickleKind::text) || !pickle_.is(part(4), PickleKind::integer))
      wrong("its storage is not described as torch does", "('storage', type, key, location, size)",
            pickle_.describe(tuple));
    const PickleValue& type = pickle_[part(1)];
    if (type.global() != PickleGlobal::storage_type && type.global() != PickleGlobal::untyped_storage)
      wrong("unknown element type", "a storage of torch that is real and not quantised", pickle_.global_name(part(1)));
    dtype = type.dtype();
    elements = pickle_.integer(part(4));
    const std::string_view key = pickle_.text_of(part(2));
    const ZipEntry* entry = key.size() > 100 ? nullptr : find_entry(entries_, root_ + "data/" + std::string(key));
    if (entry == nullptr)
      wrong("its storage is missing", "an entry of the archive", "no data/" + std::string(key.substr(0, 100)));
    Index bytes = 0;
    if (elements < 0 || __builtin_mul_overflow(elements, dtype_bytes(dtype), &bytes) ||
        bytes != static_cast<Index>(entry->bytes.size()))
      wrong("its storage has another size than the file says",
            std::to_string(elements) + " elements of " + std::string(dtype_name(dtype)),
            std::to_string(entry->bytes.size()) + " bytes");
    return entry->bytes;
  }

  std::span<const std::byte> file_;
  const std::string& where_;
  std::vector<ZipEntry> entries_;
  std::string root_;
  Pickle pickle_;
};

inline bool starts_with(std::span<const std::byte> file, std::string_view magic) {
  return file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
}

/// Names files that torch wrote before it wrote zip archives.
inline void refuse_legacy_torch(std::span<const std::byte> file, const std::string& where) {
  constexpr std::string_view magic = "\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
  const bool pickled = file.size() > 2 && file[0] == std::byte{0x80} && starts_with(file.subspan(2), magic);
  const bool archived = file.size() > 262 && starts_with(file.subspan(257), "ustar");
  if (!pickled && !archived) return;
  throw Error{{.kind = ErrorKind::input,
               .what = "a file of torch before 1.6, which is not read",
               .where = where,
               .expected = "a zip archive; load it in a newer torch and save it again",
               .found = archived ? "a tar archive" : "a row of pickles"}};
}

}  // namespace detail

/// The state dict of a file of torch.save: `pytorch_model.bin`, a `.pt`, or a Lightning `.ckpt`, whose state dict lies under
/// the key "state_dict". The pickle inside is read as data: nothing is called, and what is neither a tensor nor on the way to
/// one is passed over. Tensors that share a storage share their bytes. Takes less than twice the bytes and 64 MB of memory.
/// Throws kind `input`. Views point into `file`.
inline std::vector<TensorView> read_torch_tensors(std::span<const std::byte> file, const std::string& where) {
  detail::refuse_legacy_torch(file, where);
  if (!detail::starts_with(file, "PK\x03\x04"))
    throw Error{
        {.kind = ErrorKind::input, .what = "no file of torch.save", .where = where, .expected = "a zip archive"}};
  return detail::TorchReader(file, where).read();
}

/// The same of a file, memory-mapped.
inline StateDict read_torch_file(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  const std::string where = path.string();
  std::vector<TensorView> tensors = read_torch_tensors(file->bytes(), where);
  return StateDict(where, std::move(tensors), {std::move(file)});
}

}  // namespace ligase::inline LIGASE_ISA
