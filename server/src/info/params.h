// The parameters of an info command: `name:key=value;key=value` or `name/value/value`. Views into the command.
#pragma once

#include <optional>
#include <string_view>

namespace aero_server {

class info_params {
  public:
    explicit info_params(std::string_view text) : text_(text) {}

    std::string_view text() const noexcept { return text_; }
    std::optional<std::string_view> get(std::string_view key) const noexcept {
        std::string_view rest = text_;
        while (!rest.empty()) {
            const size_t end = rest.find(';');
            const std::string_view pair = rest.substr(0, end);
            const size_t equals = pair.find('=');
            if (equals != std::string_view::npos && pair.substr(0, equals) == key) return pair.substr(equals + 1);
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + 1);
        }
        return std::nullopt;
    }
    // A namespace is named by one of three words, depending on the age of the client.
    std::optional<std::string_view> name_space() const noexcept {
        for (const std::string_view key : {"namespace", "ns", "id"})
            if (const auto found = get(key)) return found;
        return std::nullopt;
    }

  private:
    std::string_view text_;
};

}  // namespace aero_server
