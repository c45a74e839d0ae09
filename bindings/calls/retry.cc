#include "calls/retry.h"

#include <algorithm>
#include <random>

namespace aero::py {
namespace {

constexpr int64_t first_pause_ns = 10'000'000, pause_max_ns = 500'000'000;

bool transient(int16_t row_code) noexcept {
    switch (static_cast<code>(row_code)) {
        case code::server_memory:
        case code::timeout:
        case code::partition_unavailable:
        case code::key_busy:
        case code::device_overload:
        case code::connection:
        case code::cluster:
        case code::deadline:
        case code::no_more_connections:
        case code::bad_reply: return true;
        default: return row_code == row_result::unanswered;
    }
}

bool transport_failed(const error& why) noexcept {
    switch (why.what) {
        case code::cancelled:
        case code::client:
        case code::invalid_argument:
        case code::invalid_namespace:
        case code::backpressure: return false;
        default: return transient(static_cast<int16_t>(why.what)) || static_cast<int16_t>(why.what) < 0;
    }
}

int64_t jittered_pause(int attempts_made) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    const int64_t most = std::min(pause_max_ns, first_pause_ns << std::min(attempts_made - 1, 6));
    return std::uniform_int_distribution<int64_t>(0, most)(random);
}

}  // namespace

std::optional<int64_t> write_retry::after(call_outcome& outcome, size_t row_count, int64_t now,
                                          uint32_t total_timeout_ms) {
    if (!watched_) return std::nullopt;
    ++report_.attempts;
    const bool worth_it = outcome.failure == nullptr || transport_failed(*outcome.failure);
    if (outcome.failure != nullptr) {
        last_failure_ = std::move(outcome.failure);
        if (!partial_ && rows_.empty()) {
            rows_.resize(row_count);
            for (size_t i = 0; i < row_count; ++i) rows_[i] = static_cast<uint32_t>(i);
        }
    } else {
        answered_ = true;
        merge(outcome, row_count);
        find_unresolved();
    }
    if (worth_it && !rows_.empty() && report_.attempts < report_.attempts_max) {
        const int64_t pause = jittered_pause(report_.attempts);
        if (total_timeout_ms == 0 || now + pause - began_ < int64_t{total_timeout_ms} * 1'000'000) {
            partial_ = rows_.size() < row_count;
            return pause;
        }
        report_.truncated_by_timeout = true;
    }
    report_.unresolved = static_cast<int>(rows_.size());
    if (!answered_) {
        outcome.failure = std::move(last_failure_);
        return std::nullopt;
    }
    outcome.failure.reset();
    outcome.batch = std::move(whole_);
    return std::nullopt;
}

void write_retry::merge(call_outcome& outcome, size_t row_count) {
    if (!partial_) {
        whole_ = std::move(outcome.batch);
        return;
    }
    if (whole_.rows.empty()) whole_.rows.resize(row_count);
    const auto chunks_before = static_cast<uint16_t>(whole_.chunks.size());
    for (size_t i = 0; i < rows_.size(); ++i) {
        row_result& to = whole_.rows[rows_[i]];
        const bool doubted = to.in_doubt();
        to = outcome.batch.rows[i];
        to.chunk = static_cast<uint16_t>(to.chunk + chunks_before);
        // An earlier attempt may have happened although this one says it failed.
        if (doubted && !to.ok()) to.flags |= row_result::in_doubt_flag;
    }
    for (held_bytes& each : outcome.batch.chunks) whole_.chunks.push_back(std::move(each));
}

void write_retry::find_unresolved() {
    std::vector<uint32_t> left;
    for (size_t i = 0; i < whole_.rows.size(); ++i)
        if (transient(whole_.rows[i].code)) left.push_back(static_cast<uint32_t>(i));
    rows_ = std::move(left);
}

}  // namespace aero::py
