// A call that asks nodes for one info value: every node, or any one that answers.
//
// One thread at a time. The value of a node that cannot be reached is an info_reply with its error code and text.
#pragma once

#include "command/call.h"

namespace aero::command {

class info_call final : public call {
  public:
    enum class target : uint8_t { every_node, any_node };

    info_call() noexcept : call({}, false) {}
    void prepare(std::string_view command, target whom, uint32_t timeout_ms);
    std::vector<info_reply> take_replies() noexcept { return std::move(replies_); }

  protected:
    std::unique_ptr<plan_error> plan(part& which, const cluster::view& seen, nanos now) override;
    bool accept(attempt& ended, part& which, error& why) override;
    bool salvage(attempt& ended, part& which) override;
    void give_up(part& which, error&& why) override;
    std::unique_ptr<error> conclude() override;

  private:
    void ask(part& which, cluster::node& whom, uint32_t row, nanos now);

    std::string command_;
    target target_ = target::any_node;
    unsigned first_node_ = 0;                            // any_node: where the walk begins
    std::vector<std::shared_ptr<cluster::node>> nodes_;  // one per reply, fixed when first planned
    std::vector<info_reply> replies_;
    std::unique_ptr<error> last_error_;
    size_t answered_ = 0;
};

}  // namespace aero::command
