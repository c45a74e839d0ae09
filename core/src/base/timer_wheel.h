// Deadlines of many calls at O(1) each: a ring of slots, each an intrusive list of timers due within its span of time.
//
// One thread. A timer belongs to its owner and removes itself when it is destroyed. Times are handed in; no clock is
// read. Timers fire late by at most one slot (`slot_ns`), never early.
//
//     slots    [ 0 ][ 1 ][ 2 ] ... [ 255 ]      slot of a time = time / slot_ns mod 256
//     far      times beyond one turn wait in the slot they fall on and are passed over until their turn comes
#pragma once

#include <array>
#include <cassert>
#include <cstdint>

#include "base/time.h"

namespace aero {

class timer_wheel;

class timer {
  public:
    explicit timer(void* owner) noexcept : owner_(owner) {}
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    ~timer() { disarm(); }

    bool armed() const noexcept { return wheel_ != nullptr; }
    nanos due() const noexcept { return due_; }
    void* owner() const noexcept { return owner_; }
    inline void disarm() noexcept;

  private:
    friend class timer_wheel;
    void* owner_;
    timer_wheel* wheel_ = nullptr;
    timer* previous_ = nullptr;
    timer* next_ = nullptr;
    nanos due_ = never;
    uint32_t slot_ = 0;
};

class timer_wheel {
  public:
    static constexpr nanos slot_ns = 1'000'000;
    static constexpr uint32_t slots = 256;

    void arm(timer& which, nanos due) noexcept {
        which.disarm();
        if (due == never) return;
        which.wheel_ = this;
        which.due_ = due;
        const int64_t tick = due / slot_ns < tick_ ? tick_ : due / slot_ns;
        which.slot_ = static_cast<uint32_t>(tick) % slots;
        timer*& head = heads_[which.slot_];
        which.previous_ = nullptr;
        which.next_ = head;
        if (head != nullptr) head->previous_ = &which;
        head = &which;
        ++count_;
        if (due < earliest_) earliest_ = due;
    }

    // Calls `fire(owner)` for every timer due at `now`, each disarmed before. `fire` may arm and disarm any timer.
    template <class Fire>
    void advance(nanos now, Fire fire) {
        if (count_ == 0) {
            tick_ = now / slot_ns;
            earliest_ = never;
            return;
        }
        if (now < earliest_) return;
        const int64_t last = now / slot_ns;
        const int64_t first = last - tick_ >= slots ? last - slots + 1 : tick_;
        tick_ = last;
        for (int64_t tick = first; tick <= last; ++tick) fire_slot(static_cast<uint32_t>(tick) % slots, now, fire);
        earliest_ = find_earliest();
    }

    // A lower bound of the next due time; exact after `advance`. `never` when nothing is armed.
    nanos next_due() const noexcept { return count_ == 0 ? never : earliest_; }
    uint32_t count() const noexcept { return count_; }

  private:
    friend class timer;

    template <class Fire>
    void fire_slot(uint32_t slot, nanos now, Fire& fire) {
        // Unlink all that is due before any of them runs: what runs may change this very list.
        timer* due = nullptr;
        for (timer *at = heads_[slot], *next; at != nullptr; at = next) {
            next = at->next_;
            if (at->due_ > now) continue;
            remove(*at);
            at->next_ = due;
            if (due != nullptr) due->previous_ = at;
            at->slot_ = firing_slot;
            at->wheel_ = this;
            ++count_;
            due = at;
        }
        firing_ = due;
        while (firing_ != nullptr) {
            timer& one = *firing_;
            one.disarm();
            fire(one.owner_);
        }
    }

    void remove(timer& which) noexcept {
        timer*& head = which.slot_ == firing_slot ? firing_ : heads_[which.slot_];
        if (which.previous_ != nullptr)
            which.previous_->next_ = which.next_;
        else
            head = which.next_;
        if (which.next_ != nullptr) which.next_->previous_ = which.previous_;
        which.wheel_ = nullptr;
        which.previous_ = which.next_ = nullptr;
        assert(count_ > 0);
        --count_;
    }

    nanos find_earliest() const noexcept {
        if (count_ == 0) return never;
        nanos found = never;
        for (uint32_t i = 0; i < slots; ++i) {
            for (const timer* at = heads_[(static_cast<uint32_t>(tick_) + i) % slots]; at != nullptr; at = at->next_)
                if (at->due_ < found) found = at->due_;
            // Slots are in order of time: the first that holds a time of this turn holds the earliest.
            if (found != never && found / slot_ns <= tick_ + i) return found;
        }
        return found;
    }

    static constexpr uint32_t firing_slot = slots;
    std::array<timer*, slots> heads_{};
    timer* firing_ = nullptr;
    int64_t tick_ = 0;
    nanos earliest_ = never;
    uint32_t count_ = 0;
};

inline void timer::disarm() noexcept {
    if (wheel_ != nullptr) wheel_->remove(*this);
    due_ = never;
}

}  // namespace aero
