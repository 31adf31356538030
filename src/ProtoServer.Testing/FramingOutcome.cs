namespace ProtoServer.Testing;

/// <summary>What came of feeding a framing: compared between runs that fed the same bytes in other pieces.</summary>
internal sealed record FramingOutcome(IReadOnlyList<string> Delivered, string Sent, string? Violation, bool Ended)
{
    public bool Equals(FramingOutcome? other) =>
        other is not null && Delivered.SequenceEqual(other.Delivered) && Sent == other.Sent && Violation == other.Violation && Ended == other.Ended;

    public override int GetHashCode() => HashCode.Combine(Delivered.Count, Sent, Violation, Ended);

    public override string ToString() =>
        $"delivered {Delivered.Count} [{string.Join(" | ", Delivered.Select(Short))}], sent \"{Short(Sent)}\", "
        + (Violation is null ? "no violation" : $"violation \"{Violation}\"") + (Ended ? ", ended" : ", open");

    private static string Short(string text) => text.Length <= 100 ? text : $"{text[..80]}...({text.Length} characters)";
}
