// Who uses the client in a run: threads that wait for each call, and event loops. Each is a fiber with a list of calls.
#pragma once

#include <deque>

#include "testing/sim_judge.h"
#include "testing/sim_kernel.h"

namespace aero::tests {

struct timed_call {
    nanos at;  // of the world
    sim_call what;
};

// A thread: one call after the other.
class sim_thread {
  public:
    sim_thread(sim_kernel& kernel, sim_judge& judge, const client& shared, std::string name,
               std::vector<timed_call> calls);
    bool ended() const { return kernel_.fibers().ended(fiber_); }
    static call_outcome execute(client& with, const sim_call& how, sim_running& call, interrupt_hook* hook);

  private:
    void work();
    void make(const sim_call& how);

    sim_kernel& kernel_;
    sim_judge& judge_;
    client client_;
    const std::string name_;
    std::vector<timed_call> calls_;
    fiber_id fiber_ = 0;
};

// An event loop: does what was put to it, then what its descriptor says, as asyncio does.
class sim_loop {
  public:
    sim_loop(sim_kernel& kernel, sim_judge& judge, const client& shared, std::string name, const sim_plan& plan,
             const std::vector<timed_call>& calls);
    ~sim_loop();

    void submit(const sim_call& how);
    void be_busy(nanos until);
    void close();  // the event client, with whatever is in flight
    void stop();   // ends when nothing is in flight
    bool ended() const { return kernel_.fibers().ended(fiber_); }
    bool closed() const noexcept { return closed_; }
    bool idle() const { return mail_.empty() && (events_ == nullptr || events_->in_flight() == 0); }

  private:
    struct pending;
    void work(const client& shared, event_config config);
    void post(std::function<void()> what);
    void wait();
    void tick(bool read);
    void start(const sim_call& how);
    void go_on();

    sim_kernel& kernel_;
    sim_judge& judge_;
    const std::string name_;
    std::unique_ptr<event_client> events_;
    std::deque<std::function<void()>> mail_;
    std::vector<std::unique_ptr<pending>> pending_;
    bool stopping_ = false, closed_ = false;
    fiber_id fiber_ = 0;
};

}  // namespace aero::tests
