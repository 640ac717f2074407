// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <libvirt/libvirt.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

// `VIR_DOMAIN_EVENT_CALLBACK` and the casts between callback types cannot be written in Swift: one function for each
// kind of event that is listened to.

static inline int gantry_on_lifecycle(virConnectPtr connection, virConnectDomainEventCallback callback, void *opaque,
                                      virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int gantry_on_io_error(virConnectPtr connection, virConnectDomainEventIOErrorReasonCallback callback,
                                     void *opaque, virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}
