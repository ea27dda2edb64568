#pragma once

#include <ligase/io/pickle_value.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace ligase::inline LIGASE_ISA::detail {

/// Reads a pickle of protocol 2 to 5 (python/cpython, Lib/pickletools.py) as data: a stack machine that builds the values
/// that tensors need and never calls anything. Values, memory and nesting are bounded before they are made.
class PickleReader {
 public:
  /// `budget`: bytes of memory that the values may take, spare capacity of growing arrays included.
  PickleReader(std::span<const std::byte> bytes, const std::string& where, std::size_t budget)
      : where_(where), budget_(budget < largest_budget ? budget : largest_budget) {
    result_.text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    for (const PickleKind kind : {PickleKind::none, PickleKind::boolean, PickleKind::number})
      result_.values.push_back({.kind = kind});
  }

  [[gnu::cold]] Pickle read() {
    while (step(static_cast<unsigned char>(take(1)[0]))) {
      const std::size_t bytes =
          result_.values.size() * sizeof(PickleValue) + result_.fields.size() * sizeof(PickleField) +
          (result_.items.size() + memo_.size() + stack_.size() + marks_.size()) * sizeof(PickleId);
      // An array that doubles is there twice, the second time half empty.
      if (3 * bytes > budget_)
        refuse("the pickle holds more values than a checkpoint has",
               "at most " + std::to_string(budget_ >> 20) + " MB");
    }
    return std::move(result_);
  }

 private:
  static constexpr std::uint16_t deepest = 1000;
  static constexpr std::size_t largest_budget = std::size_t{1} << 34;  ///< keeps ids below 2^32
  // Values of which nothing but the kind is kept are there once.
  static constexpr PickleId none = 0, boolean = 1, number = 2;

  [[noreturn, gnu::cold]] void refuse(std::string what, std::string expected = {}, std::string found = {}) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = where_ + " (pickle, byte " + std::to_string(begin_) + ")",
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }

  std::string_view take(std::uint64_t count) {
    if (count > result_.text.size() - at_)
      refuse("the pickle ends too early", std::to_string(count) + " more bytes",
             std::to_string(result_.text.size() - at_));
    at_ += static_cast<std::size_t>(count);
    return result_.text.substr(at_ - static_cast<std::size_t>(count), static_cast<std::size_t>(count));
  }
  template <class T>
  T number_of() {
    return read_element<T>(reinterpret_cast<const std::byte*>(take(sizeof(T)).data()));
  }

  PickleValue& value(PickleId id) { return result_.values[id]; }
  PickleKind kind(PickleId id) const { return result_.values[id].kind; }
  [[gnu::cold]] PickleId make(PickleValue v) {
    result_.values.push_back(v);
    return static_cast<PickleId>(result_.values.size() - 1);
  }
  [[gnu::cold]] void push(PickleId id) { stack_.push_back(id); }
  PickleId pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("the pickle takes a value that is not there");
    const PickleId id = stack_.back();
    stack_.pop_back();
    return id;
  }
  PickleId top() {
    const PickleId id = pop();
    push(id);
    return id;
  }
  /// Where the values since the last mark begin; the mark is taken away.
  std::size_t take_mark() {
    if (marks_.empty()) refuse("the pickle takes a mark that is not there");
    const std::size_t begin = marks_.back();
    marks_.pop_back();
    return begin;
  }
  void contain(PickleId outer, PickleId inner) {
    const unsigned depth = value(inner).depth + 1U;
    if (depth > deepest)
      refuse("the pickle nests its values too deep", "at most " + std::to_string(deepest) + " levels");
    if (depth > value(outer).depth) value(outer).depth = static_cast<std::uint16_t>(depth);
  }

  void integer(std::int64_t x) { push(make({.kind = PickleKind::integer, .data = static_cast<std::uint64_t>(x)})); }
  void big_integer(std::uint64_t length) {
    const std::string_view bytes = take(length);
    if (length > 8) return push(number);
    std::uint64_t x = length > 0 && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;) x = x << 8 | static_cast<unsigned char>(bytes[i]);
    integer(static_cast<std::int64_t>(x));
  }
  PickleId make_text(std::string_view text) {
    return make({.kind = PickleKind::text,
                 .count = static_cast<std::uint32_t>(text.size()),
                 .data = static_cast<std::uint64_t>(text.data() - result_.text.data())});
  }
  void text(std::uint64_t length) {
    if (length > 0xFFFFFFFF) {
      take(length);
      return push(none);
    }
    push(make_text(take(length)));
  }
  std::string_view line() {
    const std::size_t end = result_.text.find('\n', at_);
    if (end == std::string_view::npos || end - at_ > 1000)
      refuse("the pickle names something without an end", "a line");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }

  [[gnu::cold]] void tuple(std::size_t begin) {
    const std::size_t first = result_.items.size();
    const PickleId id = make({.kind = PickleKind::tuple,
                              .count = static_cast<std::uint32_t>(stack_.size() - begin),
                              .data = static_cast<std::uint64_t>(first)});
    for (std::size_t i = begin; i < stack_.size(); ++i) {
      contain(id, stack_[i]);
      result_.items.push_back(stack_[i]);
    }
    stack_.resize(begin);
    push(id);
  }
  void short_tuple(std::size_t count) {
    need(count);
    tuple(stack_.size() - count);
  }

  /// Adds the values from `begin` to the list below them.
  [[gnu::cold]] void append(std::size_t begin) {
    const std::size_t end = stack_.size();
    if (begin == 0) refuse("the pickle takes a value that is not there");
    const PickleId list = stack_[begin - 1];
    if (kind(list) != PickleKind::list && kind(list) != PickleKind::object)
      refuse("the pickle adds items to what is no list", {}, result_.describe(list));
    for (std::size_t i = begin; i < end; ++i) contain(list, stack_[i]);
    stack_.resize(begin);
  }
  /// Adds pairs of values from `begin` to the dict below them.
  [[gnu::cold]] void set_fields(std::size_t begin) {
    const std::size_t end = stack_.size();
    if (begin == 0 || (end - begin) % 2 != 0) refuse("the pickle adds an incomplete field");
    const PickleId dict = stack_[begin - 1];
    if (kind(dict) != PickleKind::dict && kind(dict) != PickleKind::object)
      refuse("the pickle adds fields to what is no dict", {}, result_.describe(dict));
    for (std::size_t i = begin; i < end; i += 2) {
      contain(dict, stack_[i]);
      contain(dict, stack_[i + 1]);
      if (kind(dict) != PickleKind::dict || kind(stack_[i]) != PickleKind::text) continue;
      const auto id = static_cast<std::uint32_t>(result_.fields.size());
      result_.fields.push_back({stack_[i], stack_[i + 1], 0});
      PickleValue& d = value(dict);
      if (d.count == 0)
        d.count = id;
      else
        result_.fields[static_cast<std::size_t>(d.data)].next = id;
      d.data = id;
    }
    stack_.resize(begin);
  }

  [[gnu::cold]] void global(PickleId module, PickleId name) {
    if (kind(module) != PickleKind::text || kind(name) != PickleKind::text)
      refuse("the pickle names a global by something other than text");
    PickleValue v{.kind = PickleKind::global, .count = module, .data = name};
    const std::string_view module_text = result_.text_of(module), name_text = result_.text_of(name);
    for (std::size_t i = 1; i < pickle_names.size(); ++i)
      if (pickle_names[i].module == module_text && pickle_names[i].name == name_text)
        v.name = static_cast<std::uint8_t>(i);
    push(make(v));
    if (is_hostile_name(module_text, name_text))
      refuse("the file would run " + result_.global_name(stack_.back()) +
             " where Python loads it, which no checkpoint needs; nothing was run");
  }
  [[gnu::cold]] void call(PickleId callee, PickleId arguments) {
    if (kind(arguments) != PickleKind::tuple) refuse("the pickle calls something without a tuple of arguments");
    const PickleGlobal g = kind(callee) == PickleKind::global ? value(callee).global() : PickleGlobal::unknown;
    const std::uint32_t count = value(arguments).count;
    if (g == PickleGlobal::ordered_dict && count == 0) return push(make({.kind = PickleKind::dict}));
    if (g == PickleGlobal::rebuild_parameter && count > 0 && kind(result_.item(arguments, 0)) == PickleKind::tensor)
      return push(result_.item(arguments, 0));
    const bool is_tensor = g == PickleGlobal::rebuild_tensor || g == PickleGlobal::rebuild_typed;
    const PickleId id = make({.kind = is_tensor ? PickleKind::tensor : PickleKind::object,
                              .name = is_tensor ? value(callee).name : std::uint8_t{0},
                              .data = is_tensor ? arguments : callee});
    contain(id, arguments);
    contain(id, callee);
    push(id);
  }
  void build() {
    const PickleId state = pop(), target = top();
    const PickleKind k = kind(target);
    if (k != PickleKind::object && k != PickleKind::dict && k != PickleKind::list && k != PickleKind::tensor)
      refuse("the pickle sets the state of what has none", {}, result_.describe(target));
    contain(target, state);
  }

  void put(std::uint64_t index) {
    if (index > memo_.size())
      refuse("the pickle's memo leaves a gap", std::to_string(memo_.size()), std::to_string(index));
    const PickleId id = top();
    if (index == memo_.size()) return memo_.push_back(id);
    memo_[static_cast<std::size_t>(index)] = id;
  }
  void get(std::uint64_t index) {
    if (index >= memo_.size())
      refuse("the pickle takes a value from its memo that is not there", {}, std::to_string(index));
    push(memo_[static_cast<std::size_t>(index)]);
  }

  /// False: the pickle is at its end.
  [[gnu::cold]] bool step(unsigned char opcode) {
    begin_ = at_ - 1;
    switch (opcode) {
      case 0x80:  // PROTO
        if (const auto version = number_of<std::uint8_t>(); version < 2 || version > 5)
          refuse("unknown version of pickle", "2 to 5", std::to_string(version));
        return true;
      case 0x95:  // FRAME
        if (const auto length = number_of<std::uint64_t>(); length > result_.text.size() - at_)
          refuse("a frame of the pickle ends beyond the pickle", "at most " + std::to_string(result_.text.size() - at_),
                 std::to_string(length));
        return true;
      case '.': return stop();
      case '(': return mark();
      case '0': return pop_one();
      case '1': return stack_.resize(take_mark()), true;
      case '2': return push(top()), true;
      case 'N': return push(none), true;
      case 0x88:
      case 0x89: return push(boolean), true;
      case 'J': return integer(number_of<std::int32_t>()), true;
      case 'K': return integer(number_of<std::uint8_t>()), true;
      case 'M': return integer(number_of<std::uint16_t>()), true;
      case 0x8A: return big_integer(number_of<std::uint8_t>()), true;
      case 0x8B: return big_integer(number_of<std::uint32_t>()), true;
      case 'G': return take(8), push(number), true;
      case 'X':
      case 'B':
      case 'T': return text(number_of<std::uint32_t>()), true;
      case 0x8C:
      case 'C':
      case 'U': return text(number_of<std::uint8_t>()), true;
      case 0x8D:
      case 0x8E:
      case 0x96: return text(number_of<std::uint64_t>()), true;
      case ']':
      case 0x8F: return push(make({.kind = PickleKind::list})), true;
      case 'a': return need(2), append(stack_.size() - 1), true;
      case 'e':
      case 0x90: return append(take_mark()), true;
      case 0x91: return frozen_set(take_mark()), true;
      case ')': return tuple(stack_.size()), true;
      case 't': return tuple(take_mark()), true;
      case 0x85: return short_tuple(1), true;
      case 0x86: return short_tuple(2), true;
      case 0x87: return short_tuple(3), true;
      case '}': return push(make({.kind = PickleKind::dict})), true;
      case 's': return one_field(), true;
      case 'u': return set_fields(take_mark()), true;
      case 'c': return named_global(), true;
      case 0x93: return stack_global(), true;
      case 'q': return put(number_of<std::uint8_t>()), true;
      case 'r': return put(number_of<std::uint32_t>()), true;
      case 0x94: return put(memo_.size()), true;
      case 'h': return get(number_of<std::uint8_t>()), true;
      case 'j': return get(number_of<std::uint32_t>()), true;
      case 'R':
      case 0x81: return call_top(), true;
      case 0x92: return call_with_keywords(), true;
      case 'b': return build(), true;
      case 'Q': return persistent(), true;
      default:
        refuse("the file holds no pickle of a checkpoint", "an instruction of pickle protocol 2 to 5 that tensors need",
               "byte " + std::to_string(opcode));
    }
  }

  bool stop() {
    result_.root = pop();
    return false;
  }
  bool mark() {
    if (marks_.size() >= deepest)
      refuse("the pickle nests its values too deep", "at most " + std::to_string(deepest) + " levels");
    marks_.push_back(static_cast<std::uint32_t>(stack_.size()));
    return true;
  }
  bool pop_one() {
    if (!marks_.empty() && stack_.size() == marks_.back())
      marks_.pop_back();
    else
      pop();
    return true;
  }
  /// Refuses unless there are a container and an item.
  void need(std::size_t count) const {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count)
      refuse("the pickle takes a value that is not there");
  }
  void one_field() {
    need(3);
    set_fields(stack_.size() - 2);
  }
  void frozen_set(std::size_t begin) {
    const PickleId id = make({.kind = PickleKind::list});
    for (std::size_t i = begin; i < stack_.size(); ++i) contain(id, stack_[i]);
    stack_.resize(begin);
    push(id);
  }
  void named_global() {
    const PickleId module = make_text(line());
    global(module, make_text(line()));
  }
  void stack_global() {
    const PickleId name = pop(), module = pop();
    global(module, name);
  }
  void call_top() {
    const PickleId arguments = pop();
    call(pop(), arguments);
  }
  void call_with_keywords() {
    pop();
    call_top();
  }
  void persistent() {
    const PickleId id = make({.kind = PickleKind::storage, .data = pop()});
    contain(id, static_cast<PickleId>(value(id).data));
    push(id);
  }

  const std::string& where_;
  std::size_t budget_, at_ = 0, begin_ = 0;
  Pickle result_;
  std::vector<PickleId> stack_, memo_;
  std::vector<std::uint32_t> marks_;
};

}  // namespace ligase::inline LIGASE_ISA::detail
