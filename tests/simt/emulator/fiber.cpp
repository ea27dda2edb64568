#include "fiber.hpp"

#include "poison.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace simt {
namespace {

constexpr std::size_t page = 4096, stack_bytes = std::size_t{256} << 10;
Stack* free_stacks = nullptr;

// What AddressSanitizer knows of the stack of the one who entered.
[[maybe_unused]] void* host_shadow = nullptr;
[[maybe_unused]] const void* host_base = nullptr;
[[maybe_unused]] std::size_t host_bytes = 0;
void (*entry)() = nullptr;

[[maybe_unused]] void start_switch([[maybe_unused]] void** shadow, [[maybe_unused]] const void* base,
                                   [[maybe_unused]] std::size_t bytes) {
#if defined(SIMT_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(shadow, base, bytes);
#endif
}
[[maybe_unused]] void finish_switch([[maybe_unused]] void* shadow, [[maybe_unused]] bool in_fiber) {
#if defined(SIMT_ADDRESS_SANITIZER)
  if (in_fiber)
    __sanitizer_finish_switch_fiber(shadow, &host_base, &host_bytes);
  else
    __sanitizer_finish_switch_fiber(shadow, nullptr, nullptr);
#endif
}

}  // namespace

Stack* take_stack() {
  if (free_stacks == nullptr) {
    void* p = mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    mprotect(p, page, PROT_NONE);
    auto* stack = new Stack;
    stack->base = static_cast<std::byte*>(p) + page;
    return stack;
  }
  Stack* const stack = free_stacks;
  free_stacks = stack->next;
  return stack;
}

void give_stack(Stack* stack) {
  stack->next = free_stacks;
  free_stacks = stack;
}

void abandon_stack(Stack* stack) {
  allow(stack->base, stack_bytes);
  give_stack(stack);
}

namespace {
/// Where every fiber starts.
void begin() {
  finish_switch(nullptr, true);
  entry();
  __builtin_trap();
}
}  // namespace

#if defined(__x86_64__)

// Saves what a function must preserve on the stack that it leaves, and takes it from the one that it goes to.
extern "C" void simt_switch(void** from, void* to);
asm(R"(
.text
.globl simt_switch
.type simt_switch, @function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch, .-simt_switch
)");

namespace {
void* host_position = nullptr;
}

void prepare(Stack* stack, void (*body)()) {
  entry = body;
  auto* top = reinterpret_cast<std::uintptr_t*>(stack->base + stack_bytes);
  *--top = 0;                                         // where begin would return to
  *--top = reinterpret_cast<std::uintptr_t>(&begin);  // where the switch returns to
  for (int i = 0; i < 6; ++i) *--top = 0;
  stack->position = top;
  stack->shadow = nullptr;
}
void enter(Stack* stack) {
  start_switch(&host_shadow, stack->base, stack_bytes);
  simt_switch(&host_position, stack->position);
  finish_switch(host_shadow, false);
}
void leave(Stack* stack, bool finished) {
  start_switch(finished ? nullptr : &stack->shadow, host_base, host_bytes);
  simt_switch(&stack->position, host_position);
  finish_switch(stack->shadow, true);
}

#else

namespace {
ucontext_t host_context;
}

void prepare(Stack* stack, void (*body)()) {
  entry = body;
  if (stack->position == nullptr) stack->position = new ucontext_t;
  auto* context = static_cast<ucontext_t*>(stack->position);
  getcontext(context);
  context->uc_stack.ss_sp = stack->base;
  context->uc_stack.ss_size = stack_bytes;
  context->uc_link = nullptr;
  makecontext(context, &begin, 0);
  stack->shadow = nullptr;
}
void enter(Stack* stack) {
  start_switch(&host_shadow, stack->base, stack_bytes);
  swapcontext(&host_context, static_cast<ucontext_t*>(stack->position));
  finish_switch(host_shadow, false);
}
void leave(Stack* stack, bool finished) {
  start_switch(finished ? nullptr : &stack->shadow, host_base, host_bytes);
  swapcontext(static_cast<ucontext_t*>(stack->position), &host_context);
  finish_switch(stack->shadow, true);
}

#endif

}  // namespace simt
