// A call inside an event_client: the machine of its family, whom to tell, its timer, and the result until it is
// delivered.
//
//     admission (limiter) -> gathered (this tick) -> running, alone or as member of a shared message -> ended ->
//     delivered
//
// Owned by the event_client from `submit` until its completion ran or, when cancelled, until its machine let go.
#pragma once

#include <optional>
#include <variant>

#include "aero/event_client.h"
#include "base/timer_wheel.h"
#include "cluster/cluster.h"
#include "command/admin_call.h"
#include "command/batch_call.h"
#include "command/info_call.h"
#include "command/limiter.h"
#include "command/record_call.h"

namespace aero::detail {

class shared_message;

// What an event_client drives: a call of a user, or a message that several of them share.
struct runner {
    explicit runner(bool is_shared) noexcept : shared(is_shared) {}
    virtual ~runner() = default;
    virtual command::call& machine() noexcept = 0;

    const bool shared;
    timer alarm{this};
    std::optional<cluster::parking> parked;  // while its machine is
};

struct loop_call final : runner {
    enum class phase : uint8_t { admission, gathered, running, member, ended };

    template <class Call>
    explicit loop_call(std::in_place_type_t<Call> which) : runner(false), family(which) {
        machine().host = static_cast<runner*>(this);
    }
    command::call& machine() noexcept override {
        return std::visit([](auto& one) -> command::call& { return one; }, family);
    }
    command::record_call* as_record() noexcept { return std::get_if<command::record_call>(&family); }
    command::batch_call* as_batch() noexcept { return std::get_if<command::batch_call>(&family); }
    command::info_call* as_info() noexcept { return std::get_if<command::info_call>(&family); }
    command::admin_call* as_admin() noexcept { return std::get_if<command::admin_call>(&family); }

    std::variant<command::record_call, command::batch_call, command::info_call, command::admin_call> family;
    completion* whom = nullptr;  // null once cancelled
    phase at = phase::gathered;
    bool with_times = false;
    bool holds_slot = false;  // of the limiter
    nanos deadline = never;
    nanos admitted = 0;
    size_t place = 0;                   // among the calls of its event_client
    shared_message* message = nullptr;  // as member of it
    size_t member = 0;                  // which one
    call_outcome outcome;
    std::unique_ptr<error> reserve = std::make_unique<error>();  // told when there is no memory for another
    loop_call* next_ended = nullptr;                             // among the completed
};

// Calls that have ended, first come first served. To be put in here needs no memory.
class ended_calls {
  public:
    bool empty() const noexcept { return first_ == nullptr; }
    size_t size() const noexcept { return size_; }
    void push(loop_call& which) noexcept {
        which.next_ended = nullptr;
        (first_ == nullptr ? first_ : last_->next_ended) = &which;
        last_ = &which;
        ++size_;
    }
    // REQUIRES: not empty
    loop_call& pop() noexcept {
        --size_;
        return *std::exchange(first_, first_->next_ended);
    }

  private:
    loop_call* first_ = nullptr;
    loop_call* last_ = nullptr;
    size_t size_ = 0;
};

}  // namespace aero::detail
