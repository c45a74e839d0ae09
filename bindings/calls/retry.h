// The retries of a batch write: which rows go out again, when, and what is reported at the end. Takes outcomes and
// times, sends nothing and reads no clock.
//
// Rows that failed with a transient code (8, 9, 11, 14, 18), or that no node answered because a transport failed, are
// sent again, up to `attempts_max` times in all. The pause before attempt n is drawn evenly from 0 .. min(500, 10 *
// 2^n) ms. It ends early when the next pause would pass the total timeout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "aero/event_client.h"
#include "results/batch_record.h"

namespace aero::py {

class write_retry {
  public:
    void allow(int retries) noexcept {
        watched_ = true;
        report_.attempts_max = retries + 1;
    }
    // Calls that know no retries are not looked at.
    bool watched() const noexcept { return watched_; }

    // The rows to send now: all of them when empty.
    const std::vector<uint32_t>& rows() const noexcept { return rows_; }
    bool is_partial() const noexcept { return partial_; }

    // Takes the outcome of an attempt that began no later than `now`; `total_timeout_ms` counts from the first one.
    // Gives the pause in ns before the next attempt, or nothing: then `outcome` is the whole answer.
    std::optional<int64_t> after(call_outcome& outcome, size_t row_count, int64_t now, uint32_t total_timeout_ms);
    // When the first attempt began.
    void begin(int64_t now) noexcept {
        if (began_ == 0) began_ = now;
    }
    // A batch of no rows makes no attempt and reports one.
    retry_report report() const noexcept {
        retry_report made = report_;
        if (made.attempts == 0) made.attempts = 1;
        return made;
    }

  private:
    void merge(call_outcome& outcome, size_t row_count);
    void find_unresolved();

    retry_report report_{.attempts = 0};
    bool watched_ = false;
    bool partial_ = false;   // rows_ is not everything
    bool answered_ = false;  // some attempt got through
    std::vector<uint32_t> rows_;
    batch_reply whole_;
    std::unique_ptr<error> last_failure_;
    int64_t began_ = 0;
};

}  // namespace aero::py
