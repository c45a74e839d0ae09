// The reply of an attempt that its call has let go, for the tend thread to read and drop.
#pragma once

#include "cluster/pool_keeper.h"
#include "command/attempt.h"

namespace aero::detail {

class late_reply final : public cluster::leftover {
  public:
    // REQUIRES: the attempt was let go, has sent all and waits to receive
    // What had arrived may have been taken out, which moved the place for what is still to come: it is asked for anew.
    late_reply(std::unique_ptr<command::attempt> left, nanos now)
        : left_(std::move(left)), next_(left_->resume({.what = command::event::kind::received}, now)) {}

    byte_span room() override { return next_.input; }
    progress received(size_t bytes, nanos now) override {
        next_ = left_->resume({.what = command::event::kind::received, .bytes = bytes}, now);
        if (next_.what != command::action::kind::finished) return progress::more;
        return left_->connection_reusable() ? progress::complete : progress::broken;
    }
    nanos until() const noexcept override { return left_->drain_until; }

  private:
    std::unique_ptr<command::attempt> left_;
    command::action next_;
};

}  // namespace aero::detail
