namespace Resp;

/// <summary>How a peer broke the grammar or a limit.</summary>
public enum RespViolation
{
    /// <summary>It did not.</summary>
    None,

    /// <summary>No LF within <see cref="RespLimits.InlineBytes"/>.</summary>
    InlineTooLong,

    /// <summary>A NUL in an inline request.</summary>
    InlineCharacter,

    /// <summary>A quote left open, or followed by something other than a blank.</summary>
    UnbalancedQuotes,

    /// <summary>A count line over <see cref="RespLimits.LineBytes"/>.</summary>
    CountTooLong,

    /// <summary>Not a number, or more than <see cref="RespLimits.MaxArguments"/>.</summary>
    InvalidCount,

    /// <summary>More than <see cref="RespLimits.MaxArguments"/> before authentication.</summary>
    UnauthenticatedCount,

    /// <summary>An argument that does not begin with a dollar sign.</summary>
    DollarExpected,

    /// <summary>A length line over <see cref="RespLimits.LineBytes"/>.</summary>
    LengthTooLong,

    /// <summary>Not a number, or more than <see cref="RespLimits.MaxBulkBytes"/>.</summary>
    InvalidLength,

    /// <summary>More than <see cref="RespLimits.MaxBulkBytes"/> before authentication.</summary>
    UnauthenticatedLength,

    /// <summary>A payload that is longer than its length said.</summary>
    PayloadEnd,

    /// <summary>More than <see cref="RespLimits.MaxRequestBytes"/> in one request.</summary>
    RequestTooLarge,
}

/// <summary>The words for a <see cref="RespViolation"/>.</summary>
public static class RespViolationText
{
    /// <summary>The error reply's text, or empty where the connection closes without one.</summary>
    /// <param name="violation">What happened.</param>
    /// <param name="found">The octet that was found instead, for <see cref="RespViolation.DollarExpected"/>.</param>
    public static string ToReply(this RespViolation violation, byte found) => violation switch
    {
        RespViolation.None or RespViolation.RequestTooLarge => "",
        _ => "ERR Protocol error: " + violation switch
        {
            RespViolation.InlineTooLong => "too big inline request",
            RespViolation.InlineCharacter => "invalid character in inline request",
            RespViolation.UnbalancedQuotes => "unbalanced quotes in request",
            RespViolation.CountTooLong => "too big mbulk count string",
            RespViolation.InvalidCount => "invalid multibulk length",
            RespViolation.UnauthenticatedCount => "unauthenticated multibulk length",
            RespViolation.DollarExpected => $"expected '$', got '{(char)found}'",
            RespViolation.LengthTooLong => "too big bulk count string",
            RespViolation.InvalidLength => "invalid bulk length",
            RespViolation.UnauthenticatedLength => "unauthenticated bulk length",
            _ => "expected CRLF after bulk",
        },
    };
}
