namespace ProtoServer;

/// <summary>A pipe writer that knows what the kernel has not taken yet, and whose marks can be set per connection. Loop thread only.</summary>
internal interface ISendQueue
{
    long UnsentBytes { get; }

    /// <summary>Flushes wait strictly above <paramref name="high"/> and go on at or below <paramref name="low"/>.</summary>
    void SetMarks(int high, int low);
}
