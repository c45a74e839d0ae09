#include "memory/failures.h"

#include <zlib.h>

#include <atomic>
#include <cstdlib>
#include <new>

extern "C" {
void* __real_realloc(void* old, size_t size);
void* __wrap_realloc(void* old, size_t size);
// Where zlib makes its own.
int __real_deflateInit2_(z_stream* of, int level, int method, int window, int memory, int strategy, const char* version,
                         int size);
int __wrap_deflateInit2_(z_stream* of, int level, int method, int window, int memory, int strategy, const char* version,
                         int size);
int __real_inflateInit_(z_stream* of, const char* version, int size);
int __wrap_inflateInit_(z_stream* of, const char* version, int size);
int __real_inflate(z_stream* of, int flush);
int __wrap_inflate(z_stream* of, int flush);
}

namespace aero::test {
namespace {

enum class mode : uint8_t { off, marked, unmarked };
std::atomic<mode> armed{mode::off};
std::atomic<uint64_t> seen{0}, first{0}, last{0};
thread_local bool marked = false;

bool fails() noexcept {
    const mode now = armed.load(std::memory_order_relaxed);
    if (now == mode::off || marked != (now == mode::marked)) return false;
    const uint64_t number = seen.fetch_add(1, std::memory_order_relaxed) + 1;
    return number >= first.load(std::memory_order_relaxed) && number <= last.load(std::memory_order_relaxed);
}

void* allocate(size_t size) {
    void* made = fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (made == nullptr) throw std::bad_alloc();
    return made;
}

void* allocate(size_t size, std::align_val_t alignment) {
    const size_t step = static_cast<size_t>(alignment);
    void* made = fails() ? nullptr : std::aligned_alloc(step, (size + step - 1) / step * step);
    if (made == nullptr) throw std::bad_alloc();
    return made;
}

}  // namespace

memory_failure::memory_failure(victims whose, uint64_t nth, uint64_t run) noexcept {
    marked = true;
    seen = 0;
    first = nth;
    last = nth + run - 1;
    armed = whose == victims::this_thread ? mode::marked : mode::unmarked;
}

bool memory_failure::stop() noexcept {
    armed = mode::off;
    marked = false;
    return seen >= first;
}

// Unmarked threads may starve too, but not while this one is to be: one mode at a time.
memory_at_ease::memory_at_ease() noexcept : starved_(marked && armed == mode::marked) {
    if (starved_) marked = false;
}

memory_at_ease::~memory_at_ease() {
    if (starved_) marked = true;
}

}  // namespace aero::test

void* __wrap_realloc(void* old, size_t size) { return aero::test::fails() ? nullptr : __real_realloc(old, size); }

int __wrap_deflateInit2_(z_stream* of, int level, int method, int window, int memory, int strategy, const char* version,
                         int size) {
    if (aero::test::fails()) return Z_MEM_ERROR;
    return __real_deflateInit2_(of, level, method, window, memory, strategy, version, size);
}
int __wrap_inflateInit_(z_stream* of, const char* version, int size) {
    return aero::test::fails() ? Z_MEM_ERROR : __real_inflateInit_(of, version, size);
}
int __wrap_inflate(z_stream* of, int flush) { return aero::test::fails() ? Z_MEM_ERROR : __real_inflate(of, flush); }

void* operator new(size_t size) { return aero::test::allocate(size); }
void* operator new(size_t size, std::align_val_t alignment) { return aero::test::allocate(size, alignment); }
void operator delete(void* freed) noexcept { std::free(freed); }
void operator delete(void* freed, size_t) noexcept { std::free(freed); }
void operator delete(void* freed, std::align_val_t) noexcept { std::free(freed); }
void operator delete(void* freed, size_t, std::align_val_t) noexcept { std::free(freed); }
