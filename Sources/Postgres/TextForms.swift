// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Bytes as hexadecimal digits.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(of data: Data) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * data.count)
        for byte in data {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var high: UInt8?
        for digit in text {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return bytes
    }
}

/// `timestamptz` in ISO date style with time zone UTC: `2026-11-24 12:30:00.123456+00`.
enum Timestamp {
    static func text(of date: Date) -> String {
        let microseconds = Int64((date.timeIntervalSince1970 * 1_000_000).rounded())
        let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let floor = fraction < 0 ? seconds - 1 : seconds
        let rest = fraction < 0 ? fraction + 1_000_000 : fraction
        let (year, month, day) = civil(daysSince1970: floor >= 0 ? floor / 86400 : (floor - 86399) / 86400)
        let second = ((floor % 86400) + 86400) % 86400
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        return "\(date) \(time).\(padded(rest, 6))+00"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    static func date(of text: String) -> Date? {
        let parts = text.utf8.split(separator: UInt8(ascii: " "))
        guard parts.count == 2 else { return nil }
        let day = parts[0].split(separator: UInt8(ascii: "-")).compactMap { Int64(String(Substring($0))) }
        guard day.count == 3, parts[1].suffix(3).elementsEqual("+00".utf8) else { return nil }
        let clock = parts[1].dropLast(3).split(separator: UInt8(ascii: ":")).map { String(Substring($0)) }
        guard clock.count == 3, let hour = Int64(clock[0]), let minute = Int64(clock[1]), let second = Double(clock[2])
        else { return nil }
        let days = daysSince1970(year: day[0], month: day[1], day: day[2])
        return Date(timeIntervalSince1970: Double(days * 86400 + hour * 3600 + minute * 60) + second)
    }

    // The proleptic Gregorian calendar by whole-number arithmetic over 400-year eras that begin in March: a formatter
    // object for each value read would cost more than the query.

    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

/// The text form of a one-dimensional array: `{a,"b c",NULL}`.
enum ArrayText {
    /// The text form of an array of these elements; nil is NULL.
    static func text(of elements: [String?]) -> String {
        var text: [UInt8] = [UInt8(ascii: "{")]
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            guard let element else {
                text += "NULL".utf8
                continue
            }
            text.append(UInt8(ascii: "\""))
            for byte in element.utf8 {
                if byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") { text.append(UInt8(ascii: "\\")) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
        return String(decoding: text, as: UTF8.self)
    }

    /// The elements; nil for NULLs, nested arrays or text that is no array.
    static func elements(of text: String) -> [String]? {
        guard text.hasPrefix("{"), text.hasSuffix("}") else { return nil }
        var elements: [String] = []
        var current = ""
        var (quoted, escaped, wasQuoted) = (false, false, false)
        for character in text.unicodeScalars.dropFirst().dropLast() {
            if escaped {
                current.unicodeScalars.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "\"" {
                quoted.toggle()
                wasQuoted = true
            } else if character == "," && !quoted {
                elements.append(current)
                (current, wasQuoted) = ("", false)
            } else if character == "{" && !quoted {
                return nil
            } else {
                current.unicodeScalars.append(character)
            }
        }
        if !current.isEmpty || wasQuoted || !elements.isEmpty { elements.append(current) }
        return elements
    }
}
