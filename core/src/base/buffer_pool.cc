#include "base/buffer_pool.h"

#include <array>

#include "aero/request.h"

namespace aero {

namespace {

// Small and large buffers stand apart, so that a get never walks off with the megabyte of a batch.
constexpr size_t small_max = 8192;

class pool {
  public:
    ~pool() {
        for (shelf* one : {&small_, &large_})
            for (size_t i = 0; i < one->count; ++i) buffer freed = std::move(one->buffers[i]);
        ended = true;
    }

    buffer take(size_t capacity) {
        shelf& from = capacity <= small_max ? small_ : large_;
        if (from.count > 0) {
            buffer taken = std::move(from.buffers[--from.count]);
            bytes_ -= taken.capacity();
            taken.clear();
            taken.reserve_exactly(capacity);
            return taken;
        }
        return buffer(capacity);
    }

    void give(buffer&& used) noexcept {
        shelf& to = used.capacity() <= small_max ? small_ : large_;
        if (to.count == to.buffers.size() || bytes_ + used.capacity() > pooled_bytes_max) return;
        bytes_ += used.capacity();
        to.buffers[to.count++] = std::move(used);
    }

    // A thread's objects may be freed after its pool: recycling is then plain freeing.
    static thread_local bool ended;

  private:
    struct shelf {
        std::array<buffer, pooled_buffers_max / 2> buffers;
        size_t count = 0;
    };
    shelf small_;
    shelf large_;
    size_t bytes_ = 0;
};

thread_local bool pool::ended = false;

pool& of_this_thread() {
    static thread_local pool mine;
    return mine;
}

}  // namespace

buffer take_buffer(size_t capacity) {
    if (pool::ended) return buffer(capacity);
    return of_this_thread().take(capacity);
}

void recycle(buffer&& used) noexcept {
    buffer held = std::move(used);
    if (held.capacity() == 0 || pool::ended) return;
    of_this_thread().give(std::move(held));
}

void held_bytes::release() noexcept { recycle(buffer::adopt(data_, size_, capacity_)); }

size_t batch_reply::bytes_held() const noexcept {
    size_t total = rows.capacity() * sizeof(row_result);
    for (const held_bytes& chunk : chunks) total += chunk.capacity();
    return total;
}

}  // namespace aero
