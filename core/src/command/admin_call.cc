#include "command/admin_call.h"

#include <algorithm>
#include <atomic>

#include "wire/password_hash.h"

namespace aero::command {

namespace {

using wire::admin_command;
using wire::admin_field;

constexpr size_t name_max = 63;         // of a user or a role
constexpr size_t allowlist_max = 4096;  // bytes of its text

std::atomic<unsigned> next_node{0};

bool asks(admin_verb what) noexcept { return what == admin_verb::query_users || what == admin_verb::query_roles; }

bool is_about_user(admin_verb what) noexcept { return what <= admin_verb::query_users; }

admin_command command_of(admin_verb what, bool own) noexcept {
    switch (what) {
        case admin_verb::create_user: return admin_command::create_user;
        case admin_verb::drop_user: return admin_command::drop_user;
        case admin_verb::change_password: return own ? admin_command::change_password : admin_command::set_password;
        case admin_verb::grant_roles: return admin_command::grant_roles;
        case admin_verb::revoke_roles: return admin_command::revoke_roles;
        case admin_verb::query_users: return admin_command::query_users;
        case admin_verb::create_role: return admin_command::create_role;
        case admin_verb::drop_role: return admin_command::drop_role;
        case admin_verb::grant_privileges: return admin_command::grant_privileges;
        case admin_verb::revoke_privileges: return admin_command::revoke_privileges;
        case admin_verb::set_allowlist: return admin_command::set_allowlist;
        case admin_verb::set_quotas: return admin_command::set_quotas;
        case admin_verb::query_roles: break;
    }
    return admin_command::query_roles;
}

std::string flaw_of_name(std::string_view what, std::string_view name, size_t limit = name_max) {
    if (name.size() > limit)
        return std::string(what) + " of " + std::to_string(name.size()) + " bytes: it has at most " +
               std::to_string(limit);
    if (name.find('\0') != std::string_view::npos) return std::string(what) + " that holds a NUL";
    return {};
}

std::string flaw_of_count(std::string_view what, size_t count) {
    if (count <= wire::admin_list_max) return {};
    return std::to_string(count) + " " + std::string(what) + ", more than the " + std::to_string(wire::admin_list_max) +
           " that one request may have";
}

std::string flaw_of(const privilege& given) {
    if (!has_scope(given.what) && !(given.name_space.empty() && given.set.empty()))
        return "an administrator's privilege holds everywhere: it has no namespace and no set";
    if (given.name_space.empty() && !given.set.empty())
        return "a privilege for set '" + given.set + "' names no namespace";
    std::string flaw = flaw_of_name("a namespace", given.name_space, wire::namespace_size_max);
    return flaw.empty() ? flaw_of_name("a set", given.set, wire::set_size_max) : flaw;
}

std::string flaw_of_lists(const admin_request& request) {
    if (std::string flaw = flaw_of_count("roles", request.roles.size()); !flaw.empty()) return flaw;
    if (std::string flaw = flaw_of_count("privileges", request.privileges.size()); !flaw.empty()) return flaw;
    for (const std::string& each : request.roles)
        if (std::string flaw = flaw_of_name("a role", each); !flaw.empty()) return flaw;
    for (const privilege& each : request.privileges)
        if (std::string flaw = flaw_of(each); !flaw.empty()) return flaw;
    size_t text = 0;
    for (const std::string& each : request.allowlist) {
        if (each.empty() || each.find_first_of(std::string_view(",\0", 2)) != std::string::npos)
            return "'" + each.substr(0, each.find('\0')) + "' is no address: give one in each place of the list";
        text += each.size() + 1;
    }
    if (text > allowlist_max) return "an allowlist of more than " + std::to_string(allowlist_max) + " bytes";
    return {};
}

// What no server could take, so that nothing is sent.
std::string flaw_of(const admin_request& request) {
    const std::string_view whose = is_about_user(request.what) ? "user" : "role";
    if (request.name.empty() && !asks(request.what)) return "the " + std::string(whose) + " needs a name";
    std::string flaw = flaw_of_name("a " + std::string(whose), request.name);
    if (!flaw.empty()) return flaw;
    if (request.password != nullptr && request.password->view().find('\0') != std::string_view::npos)
        return "a password holds no NUL";
    return flaw_of_lists(request);
}

// Room for all of a message, so that it never grows: that would leave a copy behind that nobody wipes.
size_t size_of(const admin_request& request) noexcept {
    size_t size = 512 + request.name.size() + allowlist_max;
    for (const std::string& each : request.roles) size += each.size() + 1;
    for (const privilege& each : request.privileges) size += each.name_space.size() + each.set.size() + 3;
    return size;
}

// Memory may run out between a copy of the message and the attempt that takes it, and wipes it.
class wiped_unless_moved {
  public:
    explicit wiped_unless_moved(buffer& what) noexcept : what_(what) {}
    wiped_unless_moved(const wiped_unless_moved&) = delete;
    wiped_unless_moved& operator=(const wiped_unless_moved&) = delete;
    ~wiped_unless_moved() { wipe(what_.data(), what_.size()); }

  private:
    buffer& what_;
};

}  // namespace

void admin_call::prepare(const admin_request& request, uint32_t timeout_ms, const cluster::security* us) {
    const bool question = asks(request.what);
    transport_policy policy;
    policy.total_timeout_ms = timeout_ms;
    if (!question) policy.max_retries = 0;
    reset(policy, !question);
    if (std::string flaw = flaw_of(request); !flaw.empty()) return refuse(std::move(flaw));
    if (request.password != nullptr && us != nullptr && us->calls_in_clear())
        return refuse(
            "TLS is for logins only, and the hash of this password would travel in clear: set passwords by a "
            "client with TLS for everything");
    what_ = request.what;
    form_ = question ? reply_form::records : reply_form::admin;
    first_node_ = next_node.fetch_add(1, std::memory_order_relaxed);
    if (request.password != nullptr)
        hash_ =
            request.password_hash != nullptr ? *request.password_hash : wire::password_hash(request.password->view());
    std::shared_ptr<const cluster::credentials> own;
    if (what_ == admin_verb::change_password && request.password != nullptr && us != nullptr) own = us->who();
    if (own != nullptr && (own->by_certificate || own->user != request.name)) own = nullptr;
    if (own != nullptr) {
        us_ = us;
        changed_ = us->with_password(*request.password, hash_);
    }
    encode(request, own.get());
}

void admin_call::encode(const admin_request& request, const cluster::credentials* own) {
    message_.reserve_exactly(size_of(request));
    wire::admin_writer to(message_, command_of(what_, own != nullptr));
    if (!request.name.empty()) to.field(is_about_user(what_) ? admin_field::user : admin_field::role, request.name);
    if (own != nullptr) to.field(admin_field::old_password, own->hash.view());
    if (!hash_.empty()) to.field(admin_field::password, hash_.view());
    buffer list;
    if (what_ == admin_verb::create_user || what_ == admin_verb::grant_roles || what_ == admin_verb::revoke_roles) {
        wire::append_roles(list, request.roles);
        to.field(admin_field::roles, list.view());
    }
    const bool creates = what_ == admin_verb::create_role;
    if (what_ == admin_verb::grant_privileges || what_ == admin_verb::revoke_privileges ||
        (creates && !request.privileges.empty())) {
        wire::append_privileges(list, request.privileges);
        to.field(admin_field::privileges, list.view());
    }
    if (!request.allowlist.empty()) to.field(admin_field::allowlist, wire::join_allowlist(request.allowlist));
    const bool sets = what_ == admin_verb::set_quotas;
    if (sets || request.read_quota != 0) to.field(admin_field::read_quota, request.read_quota);
    if (sets || request.write_quota != 0) to.field(admin_field::write_quota, request.write_quota);
    to.finish();
}

// Where nothing could be sent another node is asked, for a change as well.
std::unique_ptr<call::plan_error> admin_call::plan(part& which, const cluster::view& seen, nanos now) {
    if (seen.nodes.empty())
        return std::make_unique<plan_error>(plan_error{false, code::cluster, "the cluster has no nodes"});
    const size_t place = first_node_ + which.walked + (is_write() ? which.unsent : 0);
    buffer request;
    const wiped_unless_moved hashes(request);
    request.reserve_exactly(message_.size());
    request.append(message_.view());
    cluster::node& whom = *seen.nodes[place % seen.nodes.size()];
    launch(std::make_unique<attempt>(this, &whom, form_, std::move(request)), which, now,
           static_cast<unsigned>(seen.nodes.size()));
    return nullptr;
}

bool admin_call::accept(attempt& ended, part&, error& why) {
    const auto verdict = static_cast<code>(ended.verdict());
    if (verdict == (form_ == reply_form::records ? code::query_end : code::ok)) {
        if (form_ == reply_form::records) return read_records(ended.reply(), why);
        if (us_ != nullptr) us_->become(std::move(changed_));
        return true;
    }
    why.what = verdict;
    why.node = ended.target()->address_text();
    if (verdict == code::security_not_supported)
        why.text = "the server has no security: there are no users and roles";
    else if (verdict == code::security_not_enabled)
        why.text = "security is off at this server: there are no users and roles";
    return false;
}

bool admin_call::read_records(byte_view frames, error& why) {
    reply_ = {};
    reader from(frames);
    while (!from.at_end()) {
        const auto header = wire::decode_frame_header(from.take(wire::frame_header_size).data());
        reader body(from.take(header->body_size));
        while (!body.at_end()) {
            const auto record = wire::take_admin(body);
            if (record->result != code::ok) return true;  // the end of the list
            error flaw;
            if (what_ == admin_verb::query_users) {
                if (auto user = wire::user_of(*record))
                    reply_.users.push_back(*std::move(user));
                else
                    flaw = std::move(user.error());
            } else if (auto role = wire::role_of(*record)) {
                reply_.roles.push_back(*std::move(role));
            } else {
                flaw = std::move(role.error());
            }
            if (flaw.text.empty()) continue;
            why = std::move(flaw);
            return false;
        }
    }
    return true;
}

void admin_call::give_up(part&, error&& why) { last_error_ = std::make_unique<error>(std::move(why)); }

}  // namespace aero::command
