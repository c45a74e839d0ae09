// Who may speak to a simulated node: its users' sessions, and the connections that have shown one.
//
// A door that is open lets everybody through and says that security is off, as servers without it do. One thread.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/buffer.h"
#include "testing/sim_network.h"

namespace aero::tests {

inline constexpr const char* sim_user = "sim";

struct sim_door_rules {
    bool guarded = false;
    uint32_t session_ttl_s = 0;  // 0: without end
};

class sim_door {
  public:
    sim_door(sim_world& world, const sim_door_rules& rules, const std::string& node)
        : world_(world), rules_(rules), node_(node) {}

    // The answer to a security message of this connection; `refuse` turns a good login away.
    void answer(connection_id id, byte_view body, bool refuse, buffer& reply);
    bool lets_through(connection_id id) const { return !rules_.guarded || known_.contains(id); }
    void gone(connection_id id) { known_.erase(id); }
    // Tokens given so far are good no more; connections that have shown theirs stay.
    void forget_sessions() { sessions_.clear(); }
    void forget_all();

  private:
    code login(connection_id id, std::string_view user, bool has_password, std::string& token);
    code authenticate(connection_id id, std::string_view token);

    sim_world& world_;
    const sim_door_rules& rules_;
    const std::string node_;
    std::map<std::string, nanos, std::less<>> sessions_;  // when each ends
    std::set<connection_id> known_;
    uint64_t last_ = 0;
};

}  // namespace aero::tests
