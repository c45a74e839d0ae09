// What a write asks for as a whole, found by looking once over its operations before any record is touched.
#pragma once

#include "aero/error.h"
#include "serve/request.h"

namespace aero_server {

struct write_plan {
    bool must_exist = false;  // update-only, replace-only or a touch
    bool replaces = false;    // old bins are dropped
};

// Contradictions between flags and operations, in the order the real server finds them.
aero::code plan_write(const record_request& request, write_plan& plan);

// A READ operation without a name in a message that asks for all bins.
bool is_read_all(const aero::wire::op_view& op, const record_request& request) noexcept;

}  // namespace aero_server
