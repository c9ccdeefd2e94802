#ifndef LOKISHIP_SHIP_DETAIL_PREFETCH_HPP
#define LOKISHIP_SHIP_DETAIL_PREFETCH_HPP

#include <lokiship/version.hpp>

namespace lokiship::ship::detail {

/// Has the processor bring what is needed soon near, where the compiler can tell it so.
inline void prefetch([[maybe_unused]] const void* at) noexcept {
#ifdef __GNUC__
    __builtin_prefetch(at);
#endif
}

} // namespace lokiship::ship::detail

#endif
