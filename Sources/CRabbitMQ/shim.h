// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/time.h>

// The headers moved after 0.11.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

/// `amqp_login` with SASL PLAIN: its own form is variadic, which Swift cannot call.
static inline amqp_rpc_reply_t gantry_amqp_login(amqp_connection_state_t state, const char *vhost, int channel_max,
                                                 int frame_max, int heartbeat, const char *user, const char *password) {
    return amqp_login(state, vhost, channel_max, frame_max, heartbeat, AMQP_SASL_METHOD_PLAIN, user, password);
}

/// An event counter to wake a thread that polls. Swift's Glibc module leaves `sys/eventfd.h` out.
static inline int gantry_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
