#ifndef LOKISHIP_BEAST_HPP
#define LOKISHIP_BEAST_HPP

#include <lokiship/http/beast_transport.hpp>
#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/background_shipper.hpp>
#include <lokiship/ship/shipper.hpp>

namespace lokiship {

/// The usual shells: over Beast and the machine's clock.
using shipper = ship::basic_shipper<http::beast_transport, system_clock>;
using backfill = ship::basic_backfill<http::beast_transport, system_clock>;

using ship::background_shipper;
using ship::basic_background_shipper;

} // namespace lokiship

#endif
