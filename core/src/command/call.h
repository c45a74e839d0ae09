// One call from its start to its end: attempts, retries, pauses, the deadline. The families (record, batch, info) say
// what an attempt carries and what its reply means; when to try again is decided here, once, for all of them and every
// driver.
//
// A driver does this and nothing more:
//
//     start(view, now)
//     until done():
//         launch every attempt that next_launch() hands out; run it as attempt.h says; hand it back to `finished`
//         call wake(view, now) when `now` has reached wakeup_at(), and when there is a new view that it
//         waits_for_view()
//
// One thread at a time; owned by whoever waits for the answer. Destroying a call lets go of its attempts in flight.
//
// The work is kept as parts. A part is what one lineage of attempts must still get answered: the record, or some rows
// of a batch. A failed attempt gives its part back; it is planned again by the newest view, after a pause where one is
// due. A part that could not be sent is parked: a new view ends its pause, and without a node to ask it has no other
// end. A read may have two attempts for the same record, or for the same rows (call_hedging.cc): whichever is answered
// first counts.
#pragma once

#include <memory>
#include <vector>

#include "aero/request.h"
#include "cluster/view.h"
#include "command/attempt.h"

namespace aero::command {

class call {
  public:
    virtual ~call();
    call(const call&) = delete;
    call& operator=(const call&) = delete;

    // The deadline counts from `now`. REQUIRES: prepared by the family, not started.
    void start(const cluster::view_ptr& seen, nanos now);
    std::unique_ptr<attempt> next_launch();
    void finished(std::unique_ptr<attempt> ended, const cluster::view_ptr& seen, nanos now);
    nanos wakeup_at() const noexcept { return done_ ? never : wakeup_at_; }
    // The same to a driver that can do nothing else while it waits for the attempt's connection: asking another replica
    // is not worth its place in the line, and neither is asking for news.
    nanos connect_until(const attempt& which) const noexcept {
        const bool can_wait = wakeup_at_ == hedge_at_ || wakeup_at_ == which.turn_over;
        return can_wait ? which.deadline : wakeup_at();
    }
    void wake(const cluster::view_ptr& seen, nanos now);
    // Ends the call with this failure; attempts in flight are let go.
    void abandon(code what, const std::string& text, nanos now);

    // Something is parked, or an attempt has not begun to send or is overdue: a new view may name a better node.
    bool waits_for_view() const noexcept;
    bool parked() const noexcept { return parked_ > 0; }

    bool done() const noexcept { return done_; }
    const error* failure() const noexcept { return failure_.get(); }
    std::unique_ptr<error> take_failure() noexcept { return std::move(failure_); }
    const call_times& times() const noexcept { return times_; }
    nanos deadline() const noexcept { return deadline_; }
    const transport_policy& policy() const noexcept { return policy_; }
    bool writes() const noexcept { return is_write_; }
    // Prepared with a request that cannot be sent: the call ends with an invalid_argument as soon as it starts.
    bool refused() const noexcept { return failure_ != nullptr && !done_; }
    // True when an attempt failed in a way that makes an early look at the cluster worth while; asking clears it.
    bool wants_tend() noexcept { return std::exchange(wants_tend_, false); }

    // From the attempt: a block of rows has arrived at `offset` of its reply. False when it is not an answer to its
    // request.
    virtual bool take_rows(attempt& from, byte_view body, size_t offset);

    // From the attempt: it is destroyed while the call waits for it.
    void lost(const attempt& which) noexcept;
    // Memory ran out in a step of this call: it is done, without a failure or a result, and has let go of everything.
    void out_of_memory() noexcept;
    bool starved() const noexcept { return starved_; }
    bool may_have_written() const noexcept { return is_write_ && times_.sent != 0; }

    // Attempts let go since this was last asked, one by one: the driver closes or drains what they run on.
    attempt* next_released() noexcept {
        return released_ == nullptr ? nullptr : std::exchange(released_, released_->let_go_before);
    }
    void* host = nullptr;  // the driver's own

    void set_deadline(nanos at) noexcept { deadline_ = at; }  // REQUIRES: not started; overrides the policy's
    void set_admitted(nanos at) noexcept { times_.admitted = at; }
    void want_stamps() noexcept { wants_stamps_ = true; }
    // It was begun before, with others, and has paid its share into the budget of hedges.
    void set_paid() noexcept { paid_ = true; }

  protected:
    call(transport_policy policy, bool is_write) noexcept : policy_(policy), is_write_(is_write) {}
    void reset(const transport_policy& policy, bool is_write) noexcept;
    void refuse(std::string why);  // after `reset`

    struct part : standing {
        part() = default;
        explicit part(const standing& so_far) : standing(so_far) {}

        std::vector<uint32_t> rows;             // of a batch; empty for a record
        bool parked = false;                    // a view other than the one it was planned by ends its pause
        const cluster::node* target = nullptr;  // of the attempt that ended
        nanos launch_at = 0;                    // never: only a new view helps
    };
    // Makes the attempts for a part by `launch`. An error means that nobody can be asked: final ones end the part.
    struct plan_error {
        bool final;
        code what;
        std::string text;
    };
    virtual std::unique_ptr<plan_error> plan(part& which, const cluster::view& seen, nanos now) = 0;
    // For a name that `seen` does not have: final, unless every node is gone and so no namespace is known.
    static std::unique_ptr<plan_error> unknown_namespace(std::string_view name, const cluster::view& seen);
    // A reply arrived whole. True when it answers the part; otherwise `why` says what is wrong with it.
    virtual bool accept(attempt& ended, part& which, error& why) = 0;
    // An attempt ends without a whole reply: keep what did arrive and take back the request. True when work is left
    // that no other attempt does.
    virtual bool salvage(attempt& ended, part& which) = 0;
    // The part will not be tried again.
    virtual void give_up(part& which, error&& why) = 0;
    // Every part is answered or given up: make the result, or say why there is none.
    virtual std::unique_ptr<error> conclude() = 0;
    // What the attempt asks for has more owners than one by this view.
    virtual bool has_another_owner(const attempt& which, const cluster::view& seen) const noexcept;

    // `owners`: how many could answer; 0 where there never is another than this node.
    void launch(std::unique_ptr<attempt> ready, const part& of, nanos now, unsigned owners);
    // Other replicas could answer what was just launched: they are asked too when the first are slow. Once per call.
    void hedge_later(const cluster::view& seen, size_t records, nanos now) noexcept;
    // Launches what asks other nodes than `first` does, as far as they are worth asking and the budget allows. `which`
    // has no rows.
    virtual void ask_beside(const attempt& first, const part& which, const cluster::view& seen, nanos now);
    // The node that owns the record, when it is worth asking beside `first`: another, and no probe.
    static cluster::node* rival_of(const attempt& first, const cluster::view& seen, uint8_t owner) noexcept;
    void launch_beside(std::unique_ptr<attempt> ready, const part& of, nanos now);
    // All that this one asks for has been answered by another.
    virtual bool outrun(const attempt& which) const noexcept;
    // Another attempt asks for the record too.
    bool rival_goes_on(const part& of) noexcept;
    // REQUIRES: seen.hedging
    virtual cluster::hedging& hedging_of(const cluster::view& seen) const noexcept;
    // A part that nobody can serve by the view it was planned by: waits for another, until the deadline.
    void park(part&& which, error&& why, nanos now);
    // Says so in `why` when a server has no compression and refused what was sent compressed.
    static bool refused_compression(const attempt& ended, code verdict, error& why);
    bool is_write() const noexcept { return is_write_; }
    // Racks, chance and turns choose among equals, and for a write there is none beside the master.
    replica_policy replica_choice() const noexcept { return is_write_ ? replica_policy::master : policy_.replica; }
    uint32_t remaining_ms(nanos now) const noexcept;  // 0: no deadline

  private:
    void plan_due(const cluster::view_ptr& seen, nanos now);
    // `sent`: bytes of the attempt that failed.
    void retry_or_give_up(part&& which, error&& why, size_t sent, const cluster::view& seen, nanos now);
    void wait(part&& which, error&& why, bool parked, nanos until, nanos now);
    void take_back_attempts(const cluster::view& seen, nanos now);
    void end_all(code what, const std::string& text, nanos now);
    void settle(nanos now);
    void hedge(const cluster::view& seen, nanos now);
    void let_go_of_outrun();
    void forget(const attempt* which) noexcept;
    void let_go(attempt& which) noexcept;
    static part part_of(attempt& ended);
    error describe(code what, std::string text, const std::string& node) const;
    void take_notes(const attempt& ended) noexcept;

    transport_policy policy_;
    bool is_write_;
    bool done_ = false;
    bool wants_tend_ = false;
    bool wants_stamps_ = false;
    bool hedged_ = false;  // two replicas were asked
    bool paid_ = false;    // its share into the budget of hedges
    bool starved_ = false;
    uint32_t parked_ = 0;  // parts among waiting_ that are
    nanos deadline_ = 0;
    nanos wakeup_at_ = never;
    nanos hedge_at_ = never;  // when another replica is asked
    nanos pause_began_ = 0;
    std::vector<part> waiting_;  // parts to be planned at their time
    std::vector<std::unique_ptr<attempt>> launches_;
    std::vector<attempt*> in_flight_;  // owned by the driver's connections
    attempt* released_ = nullptr;      // the last; a chain through them, so that letting go needs no memory
    std::string last_trouble_;  // why the last failed attempt failed, and where: told with the error that ends the call
    std::string last_node_;
    std::unique_ptr<error> failure_;
    call_times times_;
};

}  // namespace aero::command
