#include "ops/write_plan.h"

#include "ops/op_kind.h"
#include "serve/record_rules.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::code;
using aero::reader;
using wire::op_code;

namespace {

struct seen_ops {
    bool read = false;
    bool read_all = false;
    bool answers = false;  // an operation that puts a bin into the reply
};

code look_at(const wire::op_view& op, const record_request& request, write_plan& plan, seen_ops& seen) {
    if (op.code == op_code::touch) {
        if (plan.replaces) return code::parameter;
        plan.must_exist = true;
        return code::ok;
    }
    if (!is_bin_name(op.name)) return code::bin_name;
    if (plan.replaces) {
        const bool deletes_bin = op.code == op_code::write && op.type == wire::particle::null;
        const bool modifies = is_modify(op.code) || (is_foreign_modify(op.code) && op.code != op_code::exp_modify);
        if (deletes_bin || modifies || op.code == op_code::delete_all) return code::parameter;
    }
    if (is_read_all(op, request)) {
        if (request.responds_all() || seen.read_all) return code::parameter;
        seen.read = seen.read_all = true;
        return code::ok;
    }
    if (op.code == op_code::read || is_foreign_read(op.code)) seen.read = seen.answers = true;
    if (op.code == op_code::cdt_modify || op.code == op_code::hll_modify) seen.answers = true;
    return code::ok;
}

}  // namespace

bool is_read_all(const wire::op_view& op, const record_request& request) noexcept {
    return op.code == op_code::read && op.name.empty() && (request.info1 & wire::info1::get_all);
}

code plan_write(const record_request& request, write_plan& plan) {
    if (request.op_count == 0 || request.op_count > ops_max) return code::parameter;
    plan.must_exist = request.info3 & (wire::info3::update_only | wire::info3::replace_only);
    plan.replaces = request.info3 & (wire::info3::create_or_replace | wire::info3::replace_only);
    seen_ops seen;
    reader ops(request.ops);
    for (unsigned i = 0; i < request.op_count; ++i)
        if (const code bad = look_at(wire::read_op(ops), request, plan, seen); bad != code::ok) return bad;
    if (seen.read && !request.reads()) return code::parameter;
    if (seen.read_all && seen.answers) return code::parameter;
    if ((request.info1 & wire::info1::get_all) && !seen.read_all) return code::parameter;
    return code::ok;
}

}  // namespace aero_server
