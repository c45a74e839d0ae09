// A call about users and roles: any node that answers takes it, and tells the others.
//
// One thread at a time. What it holds of passwords is wiped when it goes. A change is sent once; a question is asked
// again like any read. That a server refuses ends the call with its code.
#pragma once

#include "aero/security.h"
#include "cluster/security.h"
#include "command/call.h"
#include "wire/admin_lists.h"

namespace aero::command {

class admin_call final : public call {
  public:
    admin_call() noexcept : call({}, false) {}
    ~admin_call() override { wipe(message_.data(), message_.size()); }
    // `us`: who the client says it is; null: nobody. Outlives the call.
    void prepare(const admin_request& request, uint32_t timeout_ms, const cluster::security* us);
    admin_reply take_reply() noexcept { return std::move(reply_); }

  protected:
    std::unique_ptr<plan_error> plan(part& which, const cluster::view& seen, nanos now) override;
    bool accept(attempt& ended, part& which, error& why) override;
    bool salvage(attempt&, part&) override { return true; }
    void give_up(part& which, error&& why) override;
    std::unique_ptr<error> conclude() override { return std::move(last_error_); }

  private:
    void encode(const admin_request& request, const cluster::credentials* own);
    bool read_records(byte_view frames, error& why);

    buffer message_;
    reply_form form_ = reply_form::admin;
    admin_verb what_ = admin_verb::query_users;
    secret hash_;                            // of the new password
    const cluster::security* us_ = nullptr;  // when that is our own, and who we shall be when the node has taken it
    std::shared_ptr<const cluster::credentials> changed_;
    unsigned first_node_ = 0;  // where the walk begins
    admin_reply reply_;
    std::unique_ptr<error> last_error_;
};

}  // namespace aero::command
