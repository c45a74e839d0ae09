// Security messages of an administrator: users and roles are changed and told. The server's side of what the client
// writes by command/admin_call.
#pragma once

#include "base/buffer.h"
#include "secure/sessions.h"
#include "secure/users.h"
#include "wire/admin.h"

namespace aero_server {

// Appends the whole answer to a message of somebody who is known: changes need the right of a user-admin, but for his
// own password and what is told of himself.
void administer(users& everybody, const sessions& logins, const user& by, const aero::wire::admin_message& asked,
                aero::buffer& to);

}  // namespace aero_server
