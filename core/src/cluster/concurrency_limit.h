// How many requests one home of connections (the threads of a client, or a loop) has at a node at once, found by how
// long the node takes: answers that take twice as long as with hardly any request under way mean that requests wait
// inside it, and then fewer shall.
//
//     probe: `least` requests for two windows; what the second one takes is the measure for
//     window over ──answers slow, or one did not come──> a fifth fewer, no fewer than `least`
//          └────────── quick, and the limit was reached ──> an eighth more, no more than the home allows
//     again after 30 to 60 s, for a node may have become another one
//
// Requests are held against the measure of their own size: a batch of a thousand rows is not slow for taking longer
// than a get. Only the limit is found here; whoever exceeds it waits where he would wait for a connection. Homes know
// nothing of each other, as clients on different machines know nothing of each other, and come to terms the same way.
//
// No lock: its home guards it.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace aero::cluster {

class concurrency_limit {
  public:
    static constexpr uint32_t least = 2;
    static constexpr uint32_t first = 8;  // after the first probe
    static constexpr nanos window = from_ms(100);
    static constexpr uint32_t samples_min = 10;  // of a window; with fewer it goes on
    static constexpr nanos slack = 500'000;      // so much more is never called slow
    static constexpr nanos probe_pause = from_ms(30'000);

    explicit concurrency_limit(uint32_t most) noexcept;

    uint32_t value() const noexcept { return value_; }
    // A request for so many rows (0: for a record) was answered after `took`, when `busy` requests were under way,
    // itself included.
    void answered(nanos took, size_t rows, uint32_t busy, nanos now) noexcept;
    // A request was not answered in its time.
    void late(nanos now) noexcept;

  private:
    // Requests of about one size: of 0 rows, 1, 2 and 3, 4 to 7, and so on.
    struct size {
        nanos sum = 0;          // in this window
        uint32_t answers = 0;   // likewise
        nanos measure = never;  // of the last probe, or of the first window after it that had any
    };
    void begin_probe() noexcept;
    void end_window(nanos now) noexcept;
    bool answers_slow() const noexcept;
    void adapt(bool slow) noexcept;

    const uint32_t most_;
    uint32_t value_ = 0;
    uint32_t resumed_ = 0;    // value after the probe
    unsigned probe_ = 0;      // windows left of it
    nanos probe_at_ = never;  // the next one
    nanos window_began_ = 0;
    uint32_t samples_ = 0;
    std::array<size, 14> sizes_;
    bool reached_ = false;  // the limit, in this window
    bool late_ = false;     // some request, in this window
};

}  // namespace aero::cluster
