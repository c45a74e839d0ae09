// What the tend thread does for the pools that threads share: it reads replies that nobody waits for any more, so that
// their connections can be used again, and keeps a smallest number of connections open to each node.
//
// Threads: `take_over` from any thread, everything else from the one that tends. Connections count in their node all
// along. Limits: so many replies and connects at once; what comes beyond is closed, or opened by a later round.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "aero/config.h"
#include "cluster/open_descriptors.h"
#include "cluster/view.h"
#include "io/reactor.h"

namespace aero::cluster {

// A reply that nobody waits for, of which all was asked and not all has come.
class leftover {
  public:
    enum class progress : uint8_t { more, complete, broken };
    virtual ~leftover() = default;
    virtual byte_span room() = 0;  // where to put what arrives
    virtual progress received(size_t bytes, nanos now) = 0;
    virtual nanos until() const noexcept = 0;  // when its connection is given up
};

class pool_keeper {
  public:
    static constexpr size_t leftovers_max = 64;
    static constexpr size_t connects_max = 64;

    explicit pool_keeper(const client_config& config) : config_(config) {}
    ~pool_keeper() { close(); }
    pool_keeper(const pool_keeper&) = delete;
    pool_keeper& operator=(const pool_keeper&) = delete;

    // Where its sockets are watched, under `tag` plus a number of its own. REQUIRES: before anything else
    void attach(io::reactor& watched, open_descriptors& noted) noexcept {
        reactor_ = &watched;
        open_ = &noted;
    }
    // Tags from here on are the keeper's.
    static constexpr uintptr_t first_tag = uintptr_t{1} << 40;

    // Reads the rest of `reply` and puts the connection back into the pool of `of`. What there is no room for is
    // closed.
    void take_over(std::shared_ptr<node> of, connection&& on, std::unique_ptr<leftover> reply) noexcept;
    // Closes what has rested too long and opens what is missing.
    void keep(const view& seen, nanos now);
    void ready(const io::ready_event& event, nanos now);
    void tick(nanos now);  // takes in what was handed over, gives up what is late
    nanos next_deadline() const noexcept;
    bool connecting() const noexcept { return connects_ > 0; }
    void close() noexcept;

  private:
    struct entry {
        uintptr_t id;
        std::shared_ptr<node> of;
        connection on;
        std::unique_ptr<leftover> reply;  // none: a connect
        nanos until;
        size_t place = 0;  // within the open descriptors
    };
    using place_of = std::deque<entry>::iterator;

    void start_connect(const std::shared_ptr<node>& to, nanos now);
    void watch(entry&& made, io::readiness interest) noexcept;
    void read(const place_of& which, nanos now);
    void give_back(const place_of& which, nanos now);
    void drop(const place_of& which) noexcept;
    void close(entry& which) noexcept;
    void uncount(const entry& which) noexcept;
    connection release(const place_of& which) noexcept;

    const client_config& config_;
    io::reactor* reactor_ = nullptr;
    open_descriptors* open_ = nullptr;
    std::deque<entry> entries_;
    size_t connects_ = 0;
    uintptr_t last_id_ = first_tag;

    std::mutex mutex_;
    std::deque<entry> handed_over_;  // guarded by mutex_
    size_t leftovers_ = 0;           // guarded by mutex_; of handed_over_ and entries_
    bool closed_ = false;            // guarded by mutex_
};

}  // namespace aero::cluster
