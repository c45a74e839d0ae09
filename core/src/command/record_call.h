// A call for one record: encoded once, sent to the replica that the policy names, sent again as call.h decides.
//
// One thread at a time. May be prepared again after it ended; its memory is then used again.
#pragma once

#include "command/call.h"
#include "wire/digest.h"

namespace aero::command {

class record_call final : public call {
  public:
    record_call() noexcept : call({}, false) {}
    ~record_call() override;

    // Encodes the request; its views are not needed afterwards.
    void prepare(const record_request& request, const transport_policy& policy);
    // REQUIRES: done() and no failure()
    record_reply take_reply() noexcept { return std::move(reply_); }

    // What a batch row that asks the same would hold; views into the encoded request. REQUIRES: prepared, not started.
    row_template as_row() const noexcept;
    bool mergeable() const noexcept { return !is_write() && plain_ && !refused(); }
    const digest& record_digest() const noexcept { return digest_; }
    // An equal answer that came by another way (as a row of a shared message).
    static record_reply reply_of_row(const row_result& row, byte_view ops);

  protected:
    std::unique_ptr<plan_error> plan(part& which, const cluster::view& seen, nanos now) override;
    bool accept(attempt& ended, part& which, error& why) override;
    bool salvage(attempt& ended, part& which) override;
    void give_up(part& which, error&& why) override;
    std::unique_ptr<error> conclude() override;
    bool has_another_owner(const attempt& which, const cluster::view& seen) const noexcept override;
    void ask_beside(const attempt& first, const part& which, const cluster::view& seen, nanos now) override;
    bool outrun(const attempt&) const noexcept override { return answered_; }

  private:
    bool take_answer(attempt& ended, const part& which, error& why);
    const cluster::namespace_map* map_for(const attempt& which, const cluster::view& seen) const noexcept;
    std::string_view name_space() const noexcept { return text_at(namespace_at_, namespace_size_); }
    std::string_view text_at(size_t at, size_t size) const noexcept {
        return {reinterpret_cast<const char*>(message_.data()) + at, size};
    }

    buffer message_;  // the encoded request while no attempt holds it
    digest digest_{};
    record_reply reply_;
    std::unique_ptr<error> given_up_;
    uint32_t namespace_at_ = 0, set_at_ = 0, ops_at_ = 0;  // within message_
    uint16_t op_count_ = 0;
    uint8_t namespace_size_ = 0, set_size_ = 0;
    uint8_t info1_ = 0, info2_ = 0, info3_ = 0;
    uint32_t ttl_ = 0;
    bool plain_ = true;  // no key field and no filter: all of it fits a batch row
    bool answered_ = false;
};

// The smaller of two timeouts where 0 means none.
constexpr uint32_t smaller_timeout(uint32_t a, uint32_t b) noexcept {
    if (a == 0 || b == 0) return a + b;
    return a < b ? a : b;
}

// Hands a reply's memory to its holder; memory much larger than the reply is given back to the pool instead.
held_bytes hold(buffer&& reply);

}  // namespace aero::command
