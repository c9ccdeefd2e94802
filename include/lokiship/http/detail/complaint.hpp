#ifndef LOKISHIP_HTTP_DETAIL_COMPLAINT_HPP
#define LOKISHIP_HTTP_DETAIL_COMPLAINT_HPP

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http::detail {

/// What is told once, and again only when it is something else or has been well in between.
class complaint {
public:
    void tell(const std::function<void(std::string_view)>& warn, std::string what) {
        if (what == told_)
            return;
        told_ = std::move(what);
        if (warn)
            warn(told_);
    }
    void is_well() { told_.clear(); }

private:
    std::string told_;
};

} // namespace lokiship::http::detail

#endif
