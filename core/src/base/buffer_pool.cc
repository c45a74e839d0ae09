#include "base/buffer_pool.h"

#include <array>

#include "aero/request.h"

namespace aero {

namespace {

// Small and large buffers stand apart, so that a get never walks off with the megabyte of a batch.
constexpr size_t small_max = 8192;
// What a merged read keeps is made to measure and soon would have to grow.
constexpr size_t small_min = 256;

// Buffers of one kind, the one that was used last on top.
class shelf {
  public:
    static constexpr size_t none = SIZE_MAX;

    size_t bytes() const noexcept { return bytes_; }
    bool empty() const noexcept { return count_ == 0; }
    bool full() const noexcept { return count_ == buffers_.size(); }

    // REQUIRES: not empty
    size_t top() const noexcept { return count_ - 1; }
    size_t capacity_of(size_t at) const noexcept { return buffers_[at].capacity(); }
    // The smallest that fits.
    size_t best_fit(size_t capacity, size_t most) const noexcept {
        size_t best = none;
        for (size_t i = count_; i-- > 0;) {
            const bool fits = capacity_of(i) >= capacity && capacity_of(i) <= most;
            if (fits && (best == none || capacity_of(i) < capacity_of(best))) best = i;
        }
        return best;
    }
    buffer remove(size_t at) noexcept {
        buffer taken = std::move(buffers_[at]);
        bytes_ -= taken.capacity();
        --count_;
        for (; at < count_; ++at) buffers_[at] = std::move(buffers_[at + 1]);
        return taken;
    }
    void drop_oldest() noexcept { const buffer freed = remove(0); }
    // REQUIRES: not full
    void add(buffer&& used) noexcept {
        bytes_ += used.capacity();
        buffers_[count_++] = std::move(used);
    }

  private:
    std::array<buffer, pooled_buffers_max / 2> buffers_;
    size_t count_ = 0;
    size_t bytes_ = 0;
};

class pool {
  public:
    ~pool() {
        for (shelf* one : {&small_, &large_})
            while (!one->empty()) one->drop_oldest();
        ended = true;
    }

    buffer take(size_t capacity, size_t most) {
        return capacity <= small_max ? take_small(capacity, most) : take_large(capacity, most);
    }

    void give(buffer&& used) noexcept {
        if (used.capacity() <= small_max) {
            if (!small_.full()) small_.add(std::move(used));
        } else if (used.capacity() <= pooled_bytes_max) {
            give_large(std::move(used));
        }
    }

    // A thread's objects may be freed after its pool: recycling is then plain freeing.
    static thread_local bool ended;

  private:
    // Nearly all alike, or soon will be: the next one will do.
    buffer take_small(size_t capacity, size_t most) {
        if (small_.empty() || small_.capacity_of(small_.top()) > most) return buffer(capacity);
        buffer taken = small_.remove(small_.top());
        taken.clear();
        taken.reserve_exactly(capacity);
        return taken;
    }
    // Their sizes are those of the batches that a thread makes. One that had to grow would be a new one, and a copy of
    // what nobody reads any more.
    buffer take_large(size_t capacity, size_t most) {
        const size_t at = large_.best_fit(capacity, most);
        if (at == shelf::none) return buffer(capacity);
        buffer taken = large_.remove(at);
        taken.clear();
        return taken;
    }

    // What has not been wanted for longest makes room.
    void give_large(buffer&& used) noexcept {
        if (large_.full()) large_.drop_oldest();
        while (large_.bytes() + used.capacity() > pooled_bytes_max) large_.drop_oldest();
        large_.add(std::move(used));
    }

    shelf small_, large_;
};

thread_local bool pool::ended = false;

pool& of_this_thread() {
    static thread_local pool mine;
    return mine;
}

}  // namespace

buffer take_buffer(size_t capacity, size_t most) {
    if (pool::ended) return buffer(capacity);
    return of_this_thread().take(capacity, most);
}

void recycle(buffer&& used) noexcept {
    buffer held = std::move(used);
    if (held.capacity() < small_min || pool::ended) return;
    of_this_thread().give(std::move(held));
}

void held_bytes::release() noexcept { recycle(buffer::adopt(data_, size_, capacity_)); }

size_t batch_reply::bytes_held() const noexcept {
    size_t total = rows.capacity() * sizeof(row_result);
    for (const held_bytes& chunk : chunks) total += chunk.capacity();
    return total;
}

}  // namespace aero
