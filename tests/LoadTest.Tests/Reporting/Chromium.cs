using System.Diagnostics;

namespace LoadTest.Tests.Reporting;

/// <summary>A headless Chromium, as Debian's package <c>chromium</c> installs it.</summary>
internal static class Chromium
{
    public static readonly string? Path = Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(folder => System.IO.Path.Combine(folder, "chromium")).FirstOrDefault(File.Exists);

    public const string Missing = "chromium is not installed: apt-get install chromium";

    /// <summary>Loads a page and returns its document after its scripts have run.</summary>
    public static async Task<string> LoadAsync(string html, bool dark)
    {
        string folder = Directory.CreateTempSubdirectory("proto-load-").FullName;
        try
        {
            string page = System.IO.Path.Combine(folder, "page.html");
            await File.WriteAllTextAsync(page, html);
            using var process = Process.Start(new ProcessStartInfo(Path!)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                ArgumentList =
                {
                    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    $"--user-data-dir={folder}/profile", $"--blink-settings=preferredColorScheme={(dark ? 0 : 1)}", "--window-size=1400,1000", "--virtual-time-budget=2000", "--dump-dom", $"file://{page}",
                },
            })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            try
            {
                string dom = await process.StandardOutput.ReadToEndAsync().Within();
                await process.WaitForExitAsync().Within();
                Assert.True(process.ExitCode == 0, await error.Within());
                return dom;
            }
            finally
            {
                if (!process.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
