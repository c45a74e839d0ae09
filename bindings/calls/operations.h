// The list of operations. Both clients have a method for each entry of `each_operation`.
#pragma once

#include "calls/admin_operation.h"
#include "calls/operation.h"

namespace aero::py {

extern record_kind put_kind, get_kind, select_kind, exists_kind, remove_kind, touch_kind, append_kind, prepend_kind,
    increment_kind, remove_bin_kind, operate_kind, operate_ordered_kind;
extern batch_kind batch_read_kind, batch_read_many_kind, batch_read_ordered_kind, batch_write_kind,
    batch_write_numpy_kind, batch_remove_kind;
extern info_kind info_all_kind, info_random_node_kind, truncate_kind, ping_kind;

// Calls `visit(kind, operation type)` for each operation, in the order of the documentation.
#define AERO_EACH_OPERATION(VISIT)                       \
    VISIT(put_kind, record_operation)                    \
    VISIT(get_kind, record_operation)                    \
    VISIT(select_kind, record_operation)                 \
    VISIT(exists_kind, record_operation)                 \
    VISIT(remove_kind, record_operation)                 \
    VISIT(touch_kind, record_operation)                  \
    VISIT(append_kind, record_operation)                 \
    VISIT(prepend_kind, record_operation)                \
    VISIT(increment_kind, record_operation)              \
    VISIT(remove_bin_kind, record_operation)             \
    VISIT(operate_kind, record_operation)                \
    VISIT(operate_ordered_kind, record_operation)        \
    VISIT(batch_read_kind, batch_operation)              \
    VISIT(batch_read_many_kind, batch_operation)         \
    VISIT(batch_read_ordered_kind, batch_operation)      \
    VISIT(batch_write_kind, batch_operation)             \
    VISIT(batch_write_numpy_kind, batch_operation)       \
    VISIT(batch_remove_kind, batch_operation)            \
    VISIT(info_all_kind, info_operation)                 \
    VISIT(info_random_node_kind, info_operation)         \
    VISIT(truncate_kind, info_operation)                 \
    VISIT(ping_kind, info_operation)                     \
    VISIT(admin_create_user_kind, admin_operation)       \
    VISIT(admin_drop_user_kind, admin_operation)         \
    VISIT(admin_change_password_kind, admin_operation)   \
    VISIT(admin_grant_roles_kind, admin_operation)       \
    VISIT(admin_revoke_roles_kind, admin_operation)      \
    VISIT(admin_query_user_info_kind, admin_operation)   \
    VISIT(admin_query_users_info_kind, admin_operation)  \
    VISIT(admin_create_role_kind, admin_operation)       \
    VISIT(admin_drop_role_kind, admin_operation)         \
    VISIT(admin_grant_privileges_kind, admin_operation)  \
    VISIT(admin_revoke_privileges_kind, admin_operation) \
    VISIT(admin_query_role_kind, admin_operation)        \
    VISIT(admin_query_roles_kind, admin_operation)       \
    VISIT(admin_set_whitelist_kind, admin_operation)     \
    VISIT(admin_set_quotas_kind, admin_operation)

// Interns the parameter names of all of them; false with an exception.
bool init_operations();

}  // namespace aero::py
