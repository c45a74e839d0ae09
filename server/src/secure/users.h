// Who may log in to a server, and the sessions of one node. Without any user security is off.
//
// `users` is read-only once made and shared by all nodes. `sessions` is used by all service threads of its node; they
// end with the node, so that after a restart everybody has to log in again.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aero/secret.h"
#include "options.h"
#include "secure/rights.h"

namespace aero_server {

struct user {
    std::string name;
    aero::secret hash;
    rights may = 0;
    bool expired = false;  // his password is
};

class users {
  public:
    // Empty text when all is well, otherwise what is wrong with an option.
    std::string take(const std::vector<user_option>& given);
    bool security_on() const noexcept { return !all_.empty(); }
    const user* find(std::string_view name) const noexcept;

  private:
    std::vector<user> all_;
};

class sessions {
  public:
    aero::secret begin(const user& who, uint64_t ends_ms);  // gives the token
    // The owner of a token; null when there is none. `expired` tells a session that is over from one that never was.
    const user* find(std::string_view token, uint64_t now_ms, bool& expired);
    void clear();

  private:
    static constexpr size_t sessions_max = 65536;
    struct entry {
        const user* who;
        uint64_t ends_ms;
    };
    std::mutex lock_;
    std::map<std::string, entry, std::less<>> all_;  // guarded by lock_
};

}  // namespace aero_server
