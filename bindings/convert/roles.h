// Names of roles, privileges and addresses as arguments, and users and roles as the dicts that results are made of.
#pragma once

#include <string>
#include <vector>

#include "aero/security.h"
#include "compat.h"

namespace aero::py {

// A list of str. `what` names the argument in errors.
bool parse_names(PyObject* given, const char* what, std::vector<std::string>& to);
// A list of {"code": int or name, "ns": str, "set": str}. An unknown key is an error: a scope that was spelt wrong
// would give more than was meant.
bool parse_privileges(PyObject* given, std::vector<privilege>& to);

// New references, or null with an exception.
PyObject* new_user(const user_info& from);
PyObject* new_role(const role_info& from);

}  // namespace aero::py
