#pragma once

#include <cstddef>

/// Threads of a block as fibers of one thread of the system: each has a stack, and runs until it gives way.
namespace simt {

/// A stack that is in use by one fiber, or waits for the next one in a list. Below it lies a page that faults.
struct Stack {
  std::byte* base = nullptr;
  void* position = nullptr;   ///< saved stack pointer while the fiber does not run
  void* shadow = nullptr;     ///< AddressSanitizer's
  Stack* next = nullptr;
};

Stack* take_stack();
void give_stack(Stack* stack);
/// give_stack for a fiber that has not finished.
void abandon_stack(Stack* stack);

/// Makes `stack` start in `body` at the next enter. `body` must not return; it leaves by `leave(..., true)`.
void prepare(Stack* stack, void (*body)());
/// Runs the fiber until it leaves.
void enter(Stack* stack);
/// Goes back to enter; `finished` says that the fiber never runs again.
void leave(Stack* stack, bool finished);

}  // namespace simt
