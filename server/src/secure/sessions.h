// The logins of one node: who holds which token, and how many connections each user has. They end with the node, so
// that after a restart everybody has to log in again.
//
// Used by all service threads of its node.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "aero/secret.h"

namespace aero_server {

class sessions {
  public:
    // Of a user, by the number that tells him from others who had his name before. Gives the token.
    aero::secret begin(uint64_t whose, uint64_t ends_ms);
    // The owner of a token; 0 when there is none. `expired` tells a session that is over from one that never was.
    uint64_t find(std::string_view token, uint64_t now_ms, bool& expired);
    void clear();

    void came(uint64_t who);
    void left(uint64_t who);
    uint32_t connections_of(uint64_t who) const;

  private:
    static constexpr size_t sessions_max = 65536;
    struct entry {
        uint64_t whose;
        uint64_t ends_ms;
    };
    mutable std::mutex lock_;
    std::map<std::string, entry, std::less<>> all_;  // guarded by lock_
    std::map<uint64_t, uint32_t> connections_;       // guarded by lock_
};

}  // namespace aero_server
