// By what one node knows us: the token of our login there. New connections show it; the tend thread renews it in time.
//
// Shared by a node, its tend link and every connection that is being made; any thread.
#pragma once

#include <mutex>

#include "base/time.h"
#include "wire/admin.h"

namespace aero::cluster {

class session {
  public:
    // Nothing: not logged in. An empty token: the node wants none.
    struct pass {
        secret token;
        uint64_t login = 0;  // which login earned it
    };
    std::optional<pass> shown() const;
    void granted(wire::granted_session&& by_login, nanos now);
    void granted_freely();         // security is off there
    void refused(uint64_t login);  // its token is not taken any more; a no-op when there was another login since
    void lost();                   // log in again
    // True when the tend thread should log in anew.
    bool login_due(nanos now) const;

  private:
    mutable std::mutex mutex_;
    std::optional<pass> pass_;  // guarded by mutex_, as is all that follows
    uint64_t logins_ = 0;
    nanos renew_at_ = never;
};

}  // namespace aero::cluster
