// Carries out what a tender wants: sockets, name lookups, the clock; and waits for the sockets of a pool keeper too.
// One thread at a time, but for `wake` and `close_after_fork`.
#pragma once

#include <map>
#include <memory>

#include "cluster/open_descriptors.h"
#include "cluster/pool_keeper.h"
#include "cluster/tender.h"
#include "io/reactor.h"
#include "io/resolver.h"
#include "io/wake_up.h"

namespace aero::cluster {

class link_driver {
  public:
    // Its links are connected to as `how` says; without, in clear.
    link_driver(tender& machine, pool_keeper& beside, std::shared_ptr<const security> how = {});
    ~link_driver();

    bool ok() const noexcept { return reactor_.ok() && wake_->ok(); }
    // Does what is due, waits for what happens until `until` at most, and tells the machine. Any thread ends the wait
    // by `wake`.
    void step(nanos until);
    void wake() noexcept { wake_->signal(); }
    // After a step that threw: closes every link, and lets the machine begin again with what it knows.
    void start_over(nanos now);
    // In a forked child, whatever the parent's thread was doing: closes this process's copies of the descriptors.
    void close_after_fork() noexcept;

  private:
    struct socket {
        io::stream stream;
        size_t slot = 0;
        bool connecting = true;
        buffer output;
        size_t sent = 0;
    };
    void carry_out();
    void connect(link_id id, const tender::action& wanted);
    void send(link_id id, socket& on, buffer&& bytes);
    void flush(link_id id, socket& on);
    void close(link_id id);
    void ready(link_id id, const io::ready_event& event);
    void receive(link_id id);
    void react(const io::ready_event& event);
    void fail(link_id id, const char* prefix, const io::io_result& ended);
    static void* tag_of(link_id id) noexcept { return reinterpret_cast<void*>(static_cast<uintptr_t>(id)); }

    tender& machine_;
    pool_keeper& keeper_;
    const std::shared_ptr<const security> security_;
    io::reactor reactor_;
    std::shared_ptr<io::wake_up> wake_ = std::make_shared<io::wake_up>();
    io::resolver resolver_{wake_};
    std::map<link_id, socket> sockets_;
    buffer input_;
    open_descriptors open_;  // of the links and of the keeper
};

}  // namespace aero::cluster
