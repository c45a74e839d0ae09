// Carries out the operations of a write on the bins of a record, one after another, each seeing what those before it
// did. One file per family of operations.
#pragma once

#include "ops/bins.h"
#include "serve/reply.h"
#include "store/arena.h"

namespace aero_server {

struct write_work {
    const record_request& request;
    bin_table& bins;
    arena& memory;  // for values that did not come as they are kept
    reply& to;
};

// The first operation that fails ends the write; its code is the result.
aero::code apply_ops(write_work& work);

aero::code apply_write(write_work& work, const aero::wire::op_view& op);   // WRITE, and deleting a bin
aero::code apply_modify(write_work& work, const aero::wire::op_view& op);  // INCR, APPEND, PREPEND

}  // namespace aero_server
