#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/dtype.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// What a value of a pickle is, as far as tensors need it.
enum class PickleKind : std::uint8_t {
  none,
  boolean,
  integer,
  number,  ///< a float, or an integer of more than 64 bits: not kept
  text,    ///< or bytes
  list,    ///< or a set: items are not kept
  tuple,
  dict,     ///< fields whose key is text are kept
  global,   ///< a name of a module: what it names is never looked up
  storage,  ///< a persistent id: bytes that lie beside the pickle
  tensor,   ///< a call of torch's functions that make one of a storage
  object    ///< what a call of anything else would give; it is not called
};

/// The globals that mean something here.
enum class PickleGlobal : std::uint8_t {
  unknown,
  ordered_dict,
  rebuild_tensor,     ///< (storage, offset, size, stride, ...)
  rebuild_typed,      ///< (storage, offset, size, stride, requires_grad, hooks, dtype, ...)
  rebuild_parameter,  ///< (tensor, ...)
  storage_type,       ///< of a dtype
  untyped_storage,    ///< counted in bytes
  dtype
};

struct PickleName {
  std::string_view module, name;
  PickleGlobal global;
  DType dtype = DType::U8;
};
inline constexpr std::array pickle_names{
    PickleName{"", "", PickleGlobal::unknown},
    PickleName{"collections", "OrderedDict", PickleGlobal::ordered_dict},
    PickleName{"torch._utils", "_rebuild_tensor", PickleGlobal::rebuild_tensor},
    PickleName{"torch._utils", "_rebuild_tensor_v2", PickleGlobal::rebuild_tensor},
    PickleName{"torch._utils", "_rebuild_tensor_v3", PickleGlobal::rebuild_typed},
    PickleName{"torch._utils", "_rebuild_parameter", PickleGlobal::rebuild_parameter},
    PickleName{"torch._utils", "_rebuild_parameter_with_state", PickleGlobal::rebuild_parameter},
    PickleName{"torch.storage", "UntypedStorage", PickleGlobal::untyped_storage},
    PickleName{"torch", "UntypedStorage", PickleGlobal::untyped_storage},
    PickleName{"torch", "DoubleStorage", PickleGlobal::storage_type, DType::F64},
    PickleName{"torch", "FloatStorage", PickleGlobal::storage_type, DType::F32},
    PickleName{"torch", "HalfStorage", PickleGlobal::storage_type, DType::F16},
    PickleName{"torch", "BFloat16Storage", PickleGlobal::storage_type, DType::BF16},
    PickleName{"torch", "LongStorage", PickleGlobal::storage_type, DType::I64},
    PickleName{"torch", "IntStorage", PickleGlobal::storage_type, DType::I32},
    PickleName{"torch", "ShortStorage", PickleGlobal::storage_type, DType::I16},
    PickleName{"torch", "CharStorage", PickleGlobal::storage_type, DType::I8},
    PickleName{"torch", "ByteStorage", PickleGlobal::storage_type, DType::U8},
    PickleName{"torch", "BoolStorage", PickleGlobal::storage_type, DType::BOOL},
    PickleName{"torch", "float64", PickleGlobal::dtype, DType::F64},
    PickleName{"torch", "float32", PickleGlobal::dtype, DType::F32},
    PickleName{"torch", "float16", PickleGlobal::dtype, DType::F16},
    PickleName{"torch", "bfloat16", PickleGlobal::dtype, DType::BF16},
    PickleName{"torch", "float8_e4m3fn", PickleGlobal::dtype, DType::F8_E4M3},
    PickleName{"torch", "float8_e5m2", PickleGlobal::dtype, DType::F8_E5M2},
    PickleName{"torch", "int64", PickleGlobal::dtype, DType::I64},
    PickleName{"torch", "int32", PickleGlobal::dtype, DType::I32},
    PickleName{"torch", "int16", PickleGlobal::dtype, DType::I16},
    PickleName{"torch", "int8", PickleGlobal::dtype, DType::I8},
    PickleName{"torch", "uint64", PickleGlobal::dtype, DType::U64},
    PickleName{"torch", "uint32", PickleGlobal::dtype, DType::U32},
    PickleName{"torch", "uint16", PickleGlobal::dtype, DType::U16},
    PickleName{"torch", "uint8", PickleGlobal::dtype, DType::U8},
    PickleName{"torch", "bool", PickleGlobal::dtype, DType::BOOL}};

/// Names a value of a Pickle.
using PickleId = std::uint32_t;

/// text: offset and length · tuple: first of `items` and count · dict: first of `fields` and last · global: ids of its texts ·
/// storage: id of its tuple · tensor: id of its arguments · object: id of what would be called · integer: itself.
struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::uint8_t name = 0;  ///< of a global or of what makes a tensor: place in `pickle_names`
  std::uint16_t depth = 0;
  std::uint32_t count = 0;
  std::uint64_t data = 0;

  PickleGlobal global() const { return pickle_names[name].global; }
  /// Of a storage type or dtype.
  DType dtype() const { return pickle_names[name].dtype; }
};

struct PickleField {
  PickleId key, value;
  std::uint32_t next;  ///< 0: none
};

/// A pickle as data. Ids stay valid; nothing refers to more than the text that it was read from.
struct Pickle {
  std::string_view text;
  std::vector<PickleValue> values;
  std::vector<PickleId> items;
  std::vector<PickleField> fields{{0, 0, 0}};
  PickleId root = 0;

  const PickleValue& operator[](PickleId id) const { return values[id]; }
  bool is(PickleId id, PickleKind kind) const { return values[id].kind == kind; }
  std::string_view text_of(PickleId id) const {
    return text.substr(static_cast<std::size_t>(values[id].data), values[id].count);
  }
  Index integer(PickleId id) const { return static_cast<Index>(values[id].data); }
  PickleId item(PickleId tuple, std::uint32_t i) const {
    return items[static_cast<std::size_t>(values[tuple].data) + i];
  }
  /// f(name, value) for the fields of a dict in their order.
  template <class F>
  void each_field(PickleId dict, F&& f) const {
    for (std::uint32_t at = values[dict].count; at != 0; at = fields[at].next)
      f(text_of(fields[at].key), fields[at].value);
  }
  /// "module.name" of a global, shortened.
  std::string global_name(PickleId id) const {
    const std::string_view module = text_of(values[id].count), name = text_of(static_cast<PickleId>(values[id].data));
    return std::string(module.substr(0, 60)) + "." + std::string(name.substr(0, 60));
  }
  /// For messages.
  std::string describe(PickleId id) const {
    switch (values[id].kind) {
      case PickleKind::none: return "None";
      case PickleKind::boolean: return "a boolean";
      case PickleKind::integer:
      case PickleKind::number: return "a number";
      case PickleKind::text: return "text";
      case PickleKind::list: return "a list";
      case PickleKind::tuple: return "a tuple of " + std::to_string(values[id].count);
      case PickleKind::dict: return "a dict";
      case PickleKind::global: return "the name " + global_name(id);
      case PickleKind::storage: return "a storage";
      case PickleKind::tensor: return "a tensor";
      case PickleKind::object: {
        const auto callee = static_cast<PickleId>(values[id].data);
        return is(callee, PickleKind::global) ? "an object of " + global_name(callee) : "an object";
      }
    }
    return "nothing";
  }
};

/// Whether a checkpoint that names this means to run a program where Python loads it.
inline bool is_hostile_name(std::string_view module, std::string_view name) {
  const std::string_view package = module.substr(0, module.find('.'));
  for (const std::string_view bad :
       {"os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "importlib", "runpy", "pty", "ctypes", "code",
        "commands", "marshal", "webbrowser", "multiprocessing", "pip", "asyncio"})
    if (package == bad) return true;
  if (package == "builtins" || package == "__builtin__")
    for (const std::string_view bad : {"eval", "exec", "execfile", "compile", "open", "__import__", "apply", "input"})
      if (name == bad) return true;
  return false;
}

}  // namespace ligase::inline LIGASE_ISA::detail
