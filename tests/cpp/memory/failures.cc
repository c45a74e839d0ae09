#include "memory/failures.h"

#include <malloc.h>
#include <zlib.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

extern "C" {
void __real_free(void* freed);
void __wrap_free(void* freed);
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
thread_local int at_ease = 0;
std::atomic<const std::string_view*> unwanted{nullptr};
std::atomic<uint64_t> left_behind{0};

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

void look_through(const void* given_back) noexcept {
    const std::string_view* bytes = unwanted.load(std::memory_order_acquire);
    if (bytes == nullptr || at_ease > 0 || given_back == nullptr) return;
    const size_t size = malloc_usable_size(const_cast<void*>(given_back));
    if (memmem(given_back, size, bytes->data(), bytes->size()) != nullptr) ++left_behind;
}

void release(void* freed) noexcept {
    look_through(freed);
    __real_free(freed);
}

}  // namespace

freed_memory_watch::freed_memory_watch(std::string_view bytes) noexcept : unwanted_(bytes) {
    left_behind = 0;
    unwanted.store(&unwanted_, std::memory_order_release);
}

freed_memory_watch::~freed_memory_watch() { unwanted.store(nullptr, std::memory_order_release); }

uint64_t freed_memory_watch::found() const noexcept { return left_behind; }

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
    ++at_ease;
}

memory_at_ease::~memory_at_ease() {
    if (starved_) marked = true;
    --at_ease;
}

}  // namespace aero::test

void __wrap_free(void* freed) { aero::test::release(freed); }

// A block that grows may leave its old place behind, as it was.
void* __wrap_realloc(void* old, size_t size) {
    if (aero::test::fails()) return nullptr;
    aero::test::look_through(old);
    return __real_realloc(old, size);
}

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
void operator delete(void* freed) noexcept { aero::test::release(freed); }
void operator delete(void* freed, size_t) noexcept { aero::test::release(freed); }
void operator delete(void* freed, std::align_val_t) noexcept { aero::test::release(freed); }
void operator delete(void* freed, size_t, std::align_val_t) noexcept { aero::test::release(freed); }
