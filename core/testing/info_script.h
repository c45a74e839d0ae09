// A node that answers info commands from a table: what tests of tending talk to, on simulated and on real connections.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "wire/partition_map.h"

namespace aero::tests {

// Command -> value. A command that is missing is answered by an error, like a server does.
struct info_script {
    std::map<std::string, std::string, std::less<>> values;

    std::string& operator[](const std::string& command) { return values[command]; }
    std::string answer(std::string_view command) const;
    // The framed reply to the body of a request.
    buffer reply_to(std::string_view request_body) const;
};

// A cluster of `count` nodes: partition p is mastered by node p % count, the next ones hold its replicas. Nodes are
// named N1, N2, ... and listen on `host` at `ports`.
std::vector<info_script> scripted_cluster(const std::vector<uint16_t>& ports, unsigned replicas = 2,
                                          const std::string& host = "10.0.0.1");
// The `peers-clear-std` value that names these.
std::string peers_value(uint64_t generation, const std::vector<std::pair<std::string, wire::host>>& peers);

}  // namespace aero::tests
