namespace ProtoServer;

/// <summary>How the length of a frame is written in front of it. It counts the bytes that follow it, not itself, and has no sign.</summary>
public enum LengthPrefix
{
    /// <summary>One byte: frames up to 255 bytes.</summary>
    OneByte,

    /// <summary>Two bytes, the high one first: network order.</summary>
    TwoBytesBigEndian,

    /// <summary>Two bytes, the low one first.</summary>
    TwoBytesLittleEndian,

    /// <summary>Four bytes, the highest first: network order.</summary>
    FourBytesBigEndian,

    /// <summary>Four bytes, the lowest first.</summary>
    FourBytesLittleEndian,

    /// <summary>Eight bytes, the highest first: network order.</summary>
    EightBytesBigEndian,

    /// <summary>Eight bytes, the lowest first.</summary>
    EightBytesLittleEndian,

    /// <summary>
    /// Seven bits a byte, the lowest first, the high bit set on all but the last: Protocol Buffers' varint, also called LEB128. At most ten bytes;
    /// longer ones than needed are accepted, and not sent.
    /// </summary>
    Varint,
}
