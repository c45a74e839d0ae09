// Several reads of one tick as one batch per node. The members stay independent: each keeps its own deadline and
// cancellation, and its result is a copy of its own rows, so that one kept result does not hold everybody's bytes.
//
// Owned by the event_client. One thread. When the message fails as a whole, members without all their rows go out
// alone.
#pragma once

#include <vector>

#include "client/loop_call.h"

namespace aero::detail {

// Gets of one node from which a message of their own pays for the server too.
inline constexpr size_t merge_gets_min = 6;
// Batch reads from which sharing a message pays.
inline constexpr size_t merge_batches_min = 2;
// Rows of one shared message; below every server's own limit.
inline constexpr size_t merge_rows_max = 4096;

class shared_message final : public runner {
  public:
    explicit shared_message(bool split_large) : runner(true), split_large_(split_large) {
        call_.host = static_cast<runner*>(this);
    }
    command::call& machine() noexcept override { return call_; }
    command::batch_call& call() noexcept { return call_; }

    // REQUIRES: mergeable members of one policy, none started. All become members.
    void prepare_gets(std::span<loop_call* const> gets);
    void prepare_batches(std::span<loop_call* const> batches);

    void remove(const loop_call& which) noexcept { members_[which.member].who = nullptr; }
    struct member {
        loop_call* who = nullptr;  // null once it ended by itself
        uint32_t first_row = 0;
        uint32_t rows = 0;
    };
    std::span<const member> members() const noexcept { return members_; }
    // After the message ended: fills the member's outcome. False when some of its rows have no answer.
    bool share_out(const member& to, const batch_reply& whole) const;

  private:
    uint32_t template_index(const row_template& shape);
    void prepare(std::span<loop_call* const> who, uint8_t flags);

    const bool split_large_;
    command::batch_call call_;
    std::vector<member> members_;
    std::vector<digest> digests_;
    std::vector<uint32_t> template_of_;
    std::vector<row_template> templates_;
};

}  // namespace aero::detail
