// How the connections of a client are made secure: the TLS context they share, and who they say we are. Made once from
// the configuration; of what it says only our own password ever changes.
//
// Shared by all nodes, pools and loops of a client; any thread.
#pragma once

#include <memory>
#include <mutex>

#include "aero/config.h"
#include "cluster/introduction.h"
#include "io/tls_context.h"

namespace aero::cluster {

class security {
  public:
    // Fails with code::tls when certificates or keys cannot be used, or the build has no TLS, with invalid_argument
    // when what is given does not make a login.
    static result<std::shared_ptr<const security>> make(const client_config& config);

    // Who we say we are; null when nobody asks.
    std::shared_ptr<const credentials> who() const;
    bool logs_in() const { return who() != nullptr; }
    bool calls_in_clear() const noexcept { return calls_in_clear_; }  // while logins are by TLS
    // Who we shall be once our password is this one: logins to come show it after `become`.
    std::shared_ptr<const credentials> with_password(const secret& clear, const secret& hash) const;
    void become(std::shared_ptr<const credentials> changed) const noexcept;
    // A connection to a node, on its way. That of the tender logs in where it has to; the others show what it earned.
    enum class purpose : uint8_t { calls, tending };
    result<io::stream> connect(const io::endpoint& to, const std::shared_ptr<session>& known, purpose what) const;
    // Reads certificates and keys that changed again, for connections to come; tells the log.
    void refresh() const;

  private:
    std::shared_ptr<io::tls_context> tls_;  // null: in clear
    bool calls_in_clear_ = false;           // TLS is for logins only
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const credentials> who_;  // guarded by mutex_, and replaced whole
};

}  // namespace aero::cluster
