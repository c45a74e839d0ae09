// Looks names up without making anyone wait: each lookup runs on a worker that nobody joins, for getaddrinfo cannot be
// interrupted and a broken DNS keeps it for half a minute.
//
// Threads: `ask` and `take` belong to one thread; `wake` is signalled from workers. Destroying the resolver returns at
// once: workers own what they use and end with their lookup. At most `workers_max` lookups run, the rest queue.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/endpoint.h"
#include "io/wake_up.h"

namespace aero::io {

class resolver {
  public:
    static constexpr unsigned workers_max = 8;
    static constexpr size_t addresses_max = 16;  // of one name

    struct answer {
        uint32_t id;
        std::vector<endpoint> found;
        std::string why;  // when nothing was found
    };

    explicit resolver(std::shared_ptr<wake_up> wake);
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    void ask(uint32_t id, std::string host, uint16_t port);
    std::vector<answer> take();  // what has been found since

  private:
    struct shared;
    std::shared_ptr<shared> shared_;
};

// The lookup itself; waits as long as the system's resolver does.
resolver::answer look_up(uint32_t id, const std::string& host, uint16_t port);

}  // namespace aero::io
