// Just enough JSON to read recorded data in tests: objects, arrays, strings; numbers and words are kept as their text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aero::tests {

struct json {
    enum class kind { word, text, array, object };

    // Defined where the type is complete: its members hold it.
    json();
    json(const json&);
    json(json&&) noexcept;
    json& operator=(const json&);
    json& operator=(json&&) noexcept;
    ~json();

    kind type = kind::word;
    std::string text;  // of a string, number, true, false or null
    std::vector<json> items;
    std::vector<std::pair<std::string, json>> members;

    // The member of that name; throws std::out_of_range when it is absent.
    const json& operator[](std::string_view name) const;
};

// Throws std::runtime_error on what is not JSON.
json parse_json(std::string_view text);
// One value a line.
std::vector<json> read_json_lines(const std::string& path);

}  // namespace aero::tests
