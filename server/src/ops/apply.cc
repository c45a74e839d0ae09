#include "ops/apply.h"

#include "ops/op_kind.h"
#include "ops/write_plan.h"
#include "values/particle.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::code;
using aero::reader;
using wire::op_code;

namespace {

void read_all(write_work& work) {
    for (const bin& b : work.bins.all()) work.to.op(op_code::read, b.type, b.name, b.value);
}

void read_one(write_work& work, const wire::op_view& op) {
    if (const bin* b = work.bins.find(op.name)) {
        work.to.op(op.code, b->type, op.name, b->value);
    } else if (work.request.responds_all()) {
        work.to.null_op(op.code, op.name);
    }
}

code apply_one(write_work& work, const wire::op_view& op) {
    switch (op.code) {
        case op_code::touch: return code::ok;  // the one operation that never answers
        case op_code::write: return apply_write(work, op);
        case op_code::incr:
        case op_code::append:
        case op_code::prepend: return apply_modify(work, op);
        case op_code::delete_all: work.bins.clear(); return code::ok;
        case op_code::read: return is_read_all(op, work.request) ? read_all(work) : read_one(work, op), code::ok;
        default:
            return is_foreign_read(op.code) || is_foreign_modify(op.code) ? code::unsupported_feature : code::parameter;
    }
}

}  // namespace

code apply_ops(write_work& work) {
    reader ops(work.request.ops);
    for (unsigned i = 0; i < work.request.op_count; ++i) {
        const wire::op_view op = wire::read_op(ops);
        if (const code bad = apply_one(work, op); bad != code::ok) return bad;
        const bool silent = op.code == op_code::touch || op.code == op_code::read;
        if (work.request.responds_all() && !silent) work.to.null_op(op.code, op.name);
    }
    return code::ok;
}

code apply_write(write_work& work, const wire::op_view& op) {
    if (op.type == wire::particle::null) {
        work.bins.erase(op.name);
        return code::ok;
    }
    aero::byte_view value = op.value;
    if (const code bad = accept_value(op.type, value, work.memory); bad != code::ok) return bad;
    bin& b = work.bins.find_or_add(op.name);
    b.type = op.type;
    b.value = value;
    return code::ok;
}

}  // namespace aero_server
