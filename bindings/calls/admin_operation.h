// Operations on users and roles: their arguments, the request that they make, and the dicts that come back.
//
// As every operation one call, by one thread at a time. A password is hashed before it is sent, elsewhere where a loop
// would wait for it, and wiped with the operation.
#pragma once

#include "calls/operation.h"
#include "calls/password_hashing.h"

namespace aero::py {

class admin_operation;
struct security_kind : operation_kind {
    bool (*parse)(admin_operation&, const argument_slots&);
    PyObject* (*convert)(const admin_operation&, admin_reply&&);
    admin_verb what;
    uint8_t policy_at;  // which argument the policy is
};

class admin_operation final : public operation {
  public:
    explicit admin_operation(const security_kind& kind) noexcept : operation(kind), of_(kind) {}

    bool parse(const argument_slots& slots, bool strict) override;
    const transport_policy& transport() const noexcept override { return policy_; }
    call_outcome execute(client& through, const call_options& options) override;
    event_client::ticket submit(event_client& through, completion& whom, bool with_times) override;
    std::shared_ptr<password_hashing> unhashed() const override { return password; }
    PyObject* convert(call_outcome&& outcome, PyObject* timings) override;
    labels labels_of() const noexcept override { return {}; }

    // Filled by the parse function of the kind.
    std::string name;
    std::shared_ptr<password_hashing> password;
    std::vector<std::string> roles;
    std::vector<privilege> privileges;
    std::vector<std::string> allowlist;
    uint32_t read_quota = 0;
    uint32_t write_quota = 0;

  private:
    admin_request request() const noexcept;

    const security_kind& of_;
    uint32_t timeout_ms_ = 1000;
    transport_policy policy_;
};

extern security_kind admin_create_user_kind, admin_drop_user_kind, admin_change_password_kind, admin_grant_roles_kind,
    admin_revoke_roles_kind, admin_query_user_info_kind, admin_query_users_info_kind, admin_create_role_kind,
    admin_drop_role_kind, admin_grant_privileges_kind, admin_revoke_privileges_kind, admin_query_role_kind,
    admin_query_roles_kind, admin_set_whitelist_kind, admin_set_quotas_kind;

}  // namespace aero::py
